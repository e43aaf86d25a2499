import { LIMITS } from '../../core/limits.ts';
import type { MailInput } from '../compose.ts';
import { asHtml, type Say, type TimeStyle, timeText } from '../mail-texts.ts';
import type { DigestCount } from './envelope.ts';

/** One of the mails that a digest or a summary stands for. */
export interface Line {
  at: number;
  subject: string;
}

/** `lines` are the newest of them. */
export interface Merged extends DigestCount {
  lines: Line[];
}

export function merged(before: Merged | undefined, { at, subject }: Line): Merged {
  const lines = [...(before?.lines ?? []), { at, subject }].slice(-LIMITS.outbox.digestLines);
  return {
    count: (before?.count ?? 0) + 1,
    firstAt: Math.min(before?.firstAt ?? at, at),
    lastAt: Math.max(before?.lastAt ?? at, at),
    lines,
  };
}

/** The last mail with what came before it on top: how many, from when to when, and the subjects of the newest. */
export function digestMail(last: MailInput, about: Merged, say: Say, time: TimeStyle): MailInput {
  if (about.count === 1) return last;
  const { text, html } = listing(about, 'mail.digest', say, time);
  const below = last.html ?? (last.text === undefined ? '' : asHtml(last.text));
  return {
    ...last,
    subject: say('mail.digest-subject', { count: about.count, value: last.subject ?? '' }),
    text: `${text}\n\n${last.text ?? ''}`,
    html: `${html}<hr>\n${below}`,
  };
}

/** Tells that mails were too old to be sent. */
export function expiryMail(to: readonly string[], about: Merged, say: Say, time: TimeStyle): MailInput {
  const { text, html } = listing(about, 'mail.expired', say, time);
  return { to, subject: say('mail.expired-subject', { count: about.count }), text, html, headers: { 'Auto-Submitted': 'auto-generated' } };
}

function listing(about: Merged, key: string, say: Say, time: TimeStyle): { text: string; html: string } {
  const lead = say(key, { count: about.count, seen: timeText(about.firstAt, time), until: timeText(about.lastAt, time) });
  const lines = about.lines.map(({ at, subject }) => `${timeText(at, time)}  ${subject}`);
  const more = about.count - about.lines.length;
  if (more > 0) lines.unshift(say('mail.earlier', { count: more }));
  return {
    text: `${lead}\n\n${lines.map((line) => `- ${line}`).join('\n')}`,
    html: `<p>${asHtml(lead)}</p>\n<ul>${lines.map((line) => `<li>${asHtml(line)}</li>`).join('\n')}</ul>\n`,
  };
}
