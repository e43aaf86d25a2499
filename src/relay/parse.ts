import type * as MailParser from 'mailparser';
import { redact } from '../core/secret.ts';
import { MimeSplitter } from './mime-splitter.ts';

export interface ReceivedPicture {
  filename: string;
  content: Buffer;
  contentType: string;
  /** Content-Id without brackets; only when the mail has one. */
  cid?: string;
}

/** A camera's mail, read. All texts are in Unicode and without control characters. */
export interface ReceivedMail {
  /** `Name <address>`. */
  from: string;
  fromAddress: string;
  to: string[];
  subject: string;
  text: string;
  /** ISO 8601, by the camera's clock; empty when it gave none. */
  date: string;
  /** X-Mailer. */
  mailer: string;
  attachments: ReceivedPicture[];
}

/** Reads a mail with CRLF line ends as it passes; only the decoded attachments are held in memory as a whole. */
export async function parseMail(source: AsyncIterable<Buffer>): Promise<ReceivedMail> {
  const splitter = new MimeSplitter();
  for await (const chunk of source) splitter.push(chunk);
  const small = splitter.end();
  const { simpleParser } = require('mailparser') as typeof MailParser;
  const read = (bytes: Buffer) => simpleParser(bytes, { skipImageLinks: true, skipTextLinks: true, skipTextToHtml: true });
  // A body that cannot be read is no reason to lose the alert.
  const mail = await read(small).catch(() => read(small.subarray(0, small.indexOf('\r\n\r\n') + 2)));
  const addresses = (field: typeof mail.to) => [field ?? []].flat().flatMap(({ value }) => value);
  const [from] = mail.from?.value ?? [];
  const fromAddress = oneLine(from?.address ?? '');
  const fromName = oneLine(from?.name ?? '');
  return {
    from: fromName === '' ? fromAddress : `${fromName} <${fromAddress}>`,
    fromAddress,
    to: addresses(mail.to).map(({ address }) => oneLine(address ?? '')),
    subject: oneLine(mail.subject ?? ''),
    text: tidy(mail.text ?? ''),
    date: mail.date === undefined || Number.isNaN(mail.date.getTime()) ? '' : mail.date.toISOString(),
    mailer: oneLine(String(mail.headers.get('x-mailer') ?? '')),
    attachments: mail.attachments.flatMap(({ content, filename, contentType, cid }, index) => {
      const taken = splitter.contents[Number(content.toString('latin1').trim())];
      if (taken === undefined) return [];
      return [
        {
          filename: fileName(filename, contentType, index),
          content: taken.content(),
          contentType: oneLine(contentType),
          ...(cid === undefined ? {} : { cid: oneLine(cid) }),
        },
      ];
    }),
  };
}

/** Only a name: never a path, nothing hidden, nothing that a file system takes for something else. */
function fileName(name: string | undefined, contentType: string, index: number): string {
  const safe = oneLine(name ?? '')
    .replace(/^.*[\\/]/, '')
    .replace(/[<>:"|?*]/g, '_')
    .replace(/^\.+/, '')
    .slice(0, 120);
  if (safe !== '') return safe;
  const ending = /^image\/p?jpe?g$/.test(contentType) ? 'jpg' : (/^(?:image|video)\/([a-z0-9]{2,5})$/.exec(contentType)?.[1] ?? 'bin');
  return `attachment-${index + 1}.${ending}`;
}

function oneLine(text: string): string {
  return redact(text)
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
    .slice(0, 1_000);
}

/** As people read it: one kind of line end, no control characters, no blank edges, at most one empty line in a row. */
function tidy(text: string): string {
  return redact(text)
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]+/g, ' ')
    .replace(/[ \u00a0]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
