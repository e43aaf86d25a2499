/** A text of the locale by its key, e.g. `mail.camera` or `events.person`; the key itself when there is none. Injected: src knows no locale. */
export type Say = (key: string, values?: Readonly<Record<string, string | number>>) => string;

/** How times are written. Undefined: the language and zone of this computer. */
export interface TimeStyle {
  language?: string | undefined;
  timeZone?: string | undefined;
}

/** A point in time for people, its zone told: containers often run in UTC. `at` in epoch milliseconds. */
export function timeText(at: number, { language, timeZone }: TimeStyle = {}): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'long', timeZone }).format(at);
}

/** Text fit for HTML, line ends included. */
export function asHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char).replace(/\r\n?|\n/g, '<br>\n');
}
