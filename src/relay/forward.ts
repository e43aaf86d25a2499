import { open } from 'node:fs/promises';
import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

/** A mail ready to be sent on, from byte `offset` of `file` to its end. */
export interface ForwardedMail {
  file: string;
  offset: number;
  bytes: number;
  /** As it stands in the mail, with angle brackets. */
  messageId: string;
  subject: string;
  /** Only the relay's own recipients: never those that the camera named. */
  to: readonly string[];
  /** Name of the mail in the log. */
  id: string;
}

/** Hands a mail on. Resolves once it cannot be lost any more; rejects with a CameraEmailError, and the camera keeps its mail. */
export type Forward = (mail: ForwardedMail) => Promise<void>;

/** For outboxes that take whole mails: reads them into memory, as many at a time as `LIMITS.relay.forwardBytes` allows, and always one. */
export function forwardWhole(add: (raw: Buffer, mail: ForwardedMail) => Promise<void>): Forward {
  const waiting: (() => void)[] = [];
  let held = 0;
  return async (mail) => {
    while (held > 0 && held + mail.bytes > LIMITS.relay.forwardBytes) await new Promise<void>((resume) => waiting.push(resume));
    held += mail.bytes;
    try {
      await add(await readPart(mail), mail);
    } finally {
      held -= mail.bytes;
      for (const resume of waiting.splice(0)) resume();
    }
  };
}

async function readPart({ file, offset, bytes }: ForwardedMail): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const raw = Buffer.allocUnsafe(bytes);
    for (let at = 0; at < bytes; ) {
      const { bytesRead } = await handle.read(raw, at, bytes - at, offset + at);
      if (bytesRead === 0) throw new CameraEmailError('internal', 'the stored mail is shorter than it was');
      at += bytesRead;
    }
    return raw;
  } finally {
    await handle.close();
  }
}
