import { CameraEmailError } from '../../src/core/errors.ts';
import type { MailAttachment, MailInput } from '../../src/mail/compose.ts';
import { eventMail, isCameraEvent } from '../../src/mail/event-mail.ts';
import type { Say } from '../../src/mail/mail-texts.ts';
import type { Message, NodeRed } from './node-red.ts';
import { text } from './texts.ts';

interface Defaults {
  to: readonly string[];
  /** Empty: `msg.topic`. */
  subject: string;
  say: Say;
}

/** The texts of mails in the runtime's language. */
export function sayIn(RED: NodeRed): Say {
  return (key, values) => text(RED, key, values) ?? key;
}

/**
 * A message as a mail, by the conventions of node-red-node-email: a Buffer payload is an attachment, HTML is recognized, all else is text.
 * A camera event is told in words, with its picture inside. Throws `bad-input` for a message without content.
 */
export function mailInput(message: Message, defaults: Defaults): MailInput {
  const { payload } = message;
  const attachments = attachmentsOf(message);
  const input: MailInput = {
    to: addresses(message.to) ?? defaults.to,
    cc: addresses(message.cc),
    bcc: addresses(message.bcc),
    replyTo: addresses(message.replyTo),
    from: typeof message.from === 'string' && message.from !== '' ? message.from : undefined,
    subject: defaults.subject || (typeof message.topic === 'string' ? message.topic : ''),
    html: typeof message.html === 'string' ? message.html : undefined,
    headers: isRecord(message.headers) ? message.headers : undefined,
    attachments,
  };
  if (Buffer.isBuffer(payload)) {
    const filename = typeof message.filename === 'string' ? message.filename.replace(/^.*[\\/]/, '') : 'attachment.bin';
    return {
      ...input,
      text: typeof message.description === 'string' ? message.description : filename,
      attachments: [...attachments, { filename, content: payload }],
    };
  }
  if (isCameraEvent(payload)) {
    const told = eventMail(payload, attachments, defaults.say);
    return { ...input, ...told, subject: defaults.subject || told.subject, html: input.html ?? told.html };
  }
  if (payload === undefined || payload === null) {
    if (input.html === undefined && attachments.length === 0)
      throw new CameraEmailError('bad-input', 'nothing to send', { params: { field: 'payload' } });
    return { ...input, text: '' };
  }
  const content = typeof payload === 'string' ? payload : JSON.stringify(payload, null, 2);
  const isHtml = input.html === undefined && /<[a-z][^<>]*>/i.test(content);
  return isHtml ? { ...input, html: content } : { ...input, text: content };
}

function attachmentsOf({ attachments }: Message): MailAttachment[] {
  const list = Array.isArray(attachments) ? attachments : attachments === undefined ? [] : [attachments];
  return list.filter(isRecord) as unknown as MailAttachment[];
}

function addresses(value: unknown): string | string[] | undefined {
  if (typeof value === 'string' && value.trim() !== '') return value;
  return Array.isArray(value) && value.length > 0 ? value.map(String) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
