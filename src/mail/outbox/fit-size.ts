import { CameraEmailError } from '../../core/errors.ts';
import type { MailAccount } from '../account.ts';
import { type ComposedMail, composeMail, type MailAttachment, type MailInput } from '../compose.ts';
import { GMAIL } from '../gmail.ts';
import { asHtml, type Say } from '../mail-texts.ts';

export interface FitOptions {
  /** The largest attachments may be left out, with a note in their place: nothing here can make a picture smaller. */
  shrink: boolean;
  say: Say;
  /** Bytes of the encoded mail. Default: Gmail's limit; other servers tell theirs only when the mail is sent. */
  limit?: number | undefined;
}

/** As composeMail. Throws `message-too-large` for what the server would refuse after the whole upload. */
export async function composeFitting(input: MailInput, account: MailAccount, options: FitOptions): Promise<ComposedMail> {
  const limit = options.limit ?? (account.service === 'gmail' ? GMAIL.messageBytes : Number.POSITIVE_INFINITY);
  const mail = await composeMail(input, account);
  if (mail.raw.length <= limit) return mail;
  const attachments = [...(input.attachments ?? [])];
  const dropped: MailAttachment[] = [];
  for (let excess = mail.raw.length - limit; options.shrink && excess > 0; ) {
    const largest = attachments.reduce<MailAttachment | undefined>((one, other) => (size(other) > size(one) ? other : one), undefined);
    if (largest === undefined) break;
    attachments.splice(attachments.indexOf(largest), 1);
    dropped.push(largest);
    excess -= encodedSize(largest);
  }
  const smaller = dropped.length === 0 ? mail : await composeMail(without(input, attachments, dropped, options.say), account);
  if (smaller.raw.length <= limit) return smaller;
  const { host, port } = account.smtp;
  throw new CameraEmailError('message-too-large', `${smaller.raw.length} bytes, at most ${limit}`, {
    params: { bytes: smaller.raw.length, limit, host, port, stage: 'data' },
  });
}

function without(input: MailInput, attachments: MailAttachment[], dropped: readonly MailAttachment[], say: Say): MailInput {
  const names = dropped.map((item) => `${item.filename ?? item.cid ?? '?'} (${(size(item) / 1_048_576).toFixed(1)} MiB)`).join(', ');
  const note = say('mail.left-out', { value: names });
  const cids = new Set(dropped.map(({ cid }) => cid));
  const html = input.html?.replace(/<img\b[^>]*\bsrc=["']?cid:([^"'\s>]+)[^>]*>/gi, (tag, cid: string) =>
    cids.has(decodeURI(cid)) ? '' : tag,
  );
  return {
    ...input,
    attachments,
    text: input.text === undefined && html !== undefined ? undefined : `${input.text ?? ''}\n\n${note}`,
    html: html === undefined ? undefined : `${html}\n<p>${asHtml(note)}</p>`,
  };
}

/** Bytes in the mail: base64 in lines of 76 characters. */
function encodedSize(item: MailAttachment): number {
  return item.encoding === 'base64' ? size(item) : Math.floor((size(item) * 4 * 78) / (3 * 76));
}

/** Bytes before they are encoded. */
function size(item: MailAttachment | undefined): number {
  return item?.content.length ?? -1;
}
