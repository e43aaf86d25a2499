import type { MailAttachment, MailInput } from './compose.ts';
import { asHtml, type Say, type TimeStyle, timeText } from './mail-texts.ts';

/** The part of a camera event that a mail tells. */
export interface EventToMail {
  type: string;
  state: string;
  channel?: number | undefined;
  /** ISO 8601. */
  at: string;
  camera: { id?: string | undefined; name: string; host?: string | undefined };
  target?: string | undefined;
  region?: string | number | undefined;
  rule?: string | number | undefined;
}

/** True for the payload of camera-events and camera-mail-in. */
export function isCameraEvent(value: unknown): value is EventToMail {
  if (!isRecord(value) || !isRecord(value.camera)) return false;
  const { type, state, at, camera } = value;
  return [type, state, at, camera.name].every((text) => typeof text === 'string' && text !== '') && !Number.isNaN(Date.parse(String(at)));
}

/** Subject, text and HTML for an event, with its pictures shown in the mail. `texts` is the locale. */
export function eventMail(
  event: EventToMail,
  attachments: readonly MailAttachment[],
  say: Say,
  time: TimeStyle = {},
): Required<Pick<MailInput, 'subject' | 'text' | 'html'>> & { attachments: MailAttachment[] } {
  const name = say(`events.${event.type}`);
  const known = name === `events.${event.type}` ? event.type : name;
  const what = event.state === 'ended' ? say('mail.ended', { value: known }) : known;
  const place = [event.region, event.rule].filter((part) => part !== undefined && part !== '').join(', ');
  const channel = event.channel === undefined ? '' : String(event.channel);
  const rows: [label: string, value: string][] = [
    [say('mail.event'), what],
    [say('mail.camera'), event.camera.name],
    [say('mail.channel'), channel],
    [say('mail.place'), place],
    [say('mail.target'), event.target ?? ''],
    [say('mail.time'), timeText(Date.parse(event.at), time)],
  ];
  const told = rows.filter(([, value]) => value !== '');
  const pictures = attachments.map((item, index) =>
    isPicture(item) ? { ...item, cid: item.cid ?? `picture-${index + 1}@camera-email`, contentDisposition: 'inline' as const } : item,
  );
  return {
    subject: say('mail.event-subject', { value: what, camera: event.camera.name }),
    text: told.map(([label, value]) => `${label}: ${value}`).join('\n'),
    html: page(what, told, pictures.filter(isPicture)),
    attachments: pictures,
  };
}

function page(title: string, rows: readonly [string, string][], pictures: readonly MailAttachment[]): string {
  const cell = (label: string, value: string) =>
    `<tr><td style="padding:2px 16px 2px 0;color:#666">${asHtml(label)}</td><td style="padding:2px 0">${asHtml(value)}</td></tr>`;
  return [
    '<div style="font-family:sans-serif;font-size:15px;line-height:1.4">',
    `<h2 style="margin:0 0 8px;font-size:20px">${asHtml(title)}</h2>`,
    `<table style="border-collapse:collapse">${rows.map(([label, value]) => cell(label, value)).join('')}</table>`,
    ...pictures.map(
      ({ cid = '', filename = '' }) =>
        `<p><img src="cid:${asHtml(encodeURI(cid))}" alt="${asHtml(filename)}" style="max-width:100%;height:auto"></p>`,
    ),
    '</div>',
  ].join('\n');
}

function isPicture({ contentType, filename }: MailAttachment): boolean {
  return contentType === undefined ? /\.(jpe?g|png|gif|webp)$/i.test(filename ?? '') : /^image\//i.test(contentType);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
