import type { Change, EmailCapabilities, EmailPlan, EmailSettings, SettingField, WantedEmail, Warning } from './driver.ts';

const MASK = '•';

const COMPARED = [
  'enabled',
  'server',
  'port',
  'security',
  'authentication',
  'username',
  'sender',
  'senderName',
  'recipients',
  'attachment',
  'minInterval',
  'events',
] as const satisfies readonly (SettingField & keyof WantedEmail)[];

/** The wanted fields that differ from the device's. Fields that the device does not have are left out; the password comes last. */
export function changesTo(settings: EmailSettings, wanted: WantedEmail): Change[] {
  const changes: Change[] = [];
  for (const field of COMPARED) {
    const from = settings[field];
    const to = wanted[field];
    if (from !== undefined && to !== undefined && !sameValue(field, from, to)) changes.push({ field, from, to });
  }
  const passwordDiffers = settings.password !== undefined && !settings.password.equals(wanted.password);
  if (wanted.authentication && (wanted.writePassword || passwordDiffers)) changes.push({ field: 'password', from: MASK, to: MASK });
  return changes;
}

function sameValue(field: SettingField, from: unknown, to: unknown): boolean {
  if (Array.isArray(from) && Array.isArray(to)) {
    const key = (list: unknown[]) => JSON.stringify(list.map((item) => String(item).toLowerCase()).sort());
    return key(from) === key(to);
  }
  if (field === 'server' || field === 'sender') return String(from).toLowerCase() === String(to).toLowerCase();
  return from === to;
}

export interface Fit {
  wanted: WantedEmail;
  warnings: Warning[];
  impossible?: EmailPlan['impossible'];
}

/** Another encryption and port of the same server, for devices that cannot do the first choice. */
export type SecurityChoice = Pick<WantedEmail, 'security' | 'port'>;

/**
 * What is wanted, brought within what the device can hold. Limits that the device told are hard; documented ones give a warning,
 * because newer firmware often takes more.
 */
export function fitToDevice(
  wanted: WantedEmail,
  choices: readonly SecurityChoice[],
  settings: EmailSettings,
  capabilities: EmailCapabilities,
): Fit {
  const fit: Fit = { wanted: { ...wanted }, warnings: [] };
  fitSecurity(fit, choices, capabilities);
  fitLengths(fit, capabilities);
  fitRecipients(fit, capabilities);
  const { attachment, events, minInterval } = wanted;
  if (attachment !== undefined && (settings.attachment === undefined || capabilities.attachments?.includes(attachment) === false)) {
    fit.wanted.attachment = undefined;
    fit.warnings.push({ code: 'attachment-unsupported', params: { value: attachment } });
  }
  if (minInterval !== undefined && capabilities.intervals !== undefined && !capabilities.intervals.includes(minInterval)) {
    const nearest = capabilities.intervals.reduce((best, one) => (Math.abs(one - minInterval) < Math.abs(best - minInterval) ? one : best));
    fit.wanted.minInterval = nearest;
    if (settings.minInterval !== undefined)
      fit.warnings.push({ code: 'interval-adjusted', params: { value: minInterval, limit: nearest } });
  }
  if (events !== undefined && settings.events === undefined) {
    fit.wanted.events = undefined;
    fit.warnings.push({ code: 'events-unsupported' });
  } else if (events !== undefined) {
    const { events: known = events, stickyEvents = [] } = capabilities;
    const stay = settings.events?.filter((type) => stickyEvents.includes(type)) ?? [];
    fit.wanted.events = [...new Set([...events.filter((type) => known.includes(type)), ...stay])];
    for (const value of events.filter((type) => !known.includes(type)))
      fit.warnings.push({ code: 'event-not-available', params: { value } });
  }
  return fit;
}

function fitSecurity(fit: Fit, choices: readonly SecurityChoice[], { securities }: EmailCapabilities): void {
  if (securities === undefined || securities.includes(fit.wanted.security)) return;
  const other = choices.find((choice) => securities.includes(choice.security));
  if (other === undefined) {
    fit.impossible = { field: 'security', code: 'security-unsupported', params: { value: fit.wanted.security } };
    return;
  }
  Object.assign(fit.wanted, { security: other.security, port: other.port });
  fit.warnings.push({ code: other.security === 'tls' ? 'no-starttls' : 'no-implicit-tls' });
}

function fitLengths(fit: Fit, { maxLength, limitsFromDevice }: EmailCapabilities): void {
  const { wanted } = fit;
  const values: [SettingField, number | undefined, readonly string[]][] = [
    ['server', maxLength?.server, [wanted.server]],
    ['username', maxLength?.username, [wanted.username]],
    ['password', maxLength?.password, [wanted.password.reveal()]],
    ['sender', maxLength?.sender, [wanted.sender]],
    ['senderName', maxLength?.senderName, [wanted.senderName ?? '']],
    ['recipients', maxLength?.recipient, wanted.recipients ?? []],
  ];
  for (const [field, limit, texts] of values) {
    if (limit === undefined || texts.every((text) => Buffer.byteLength(text, 'utf8') <= limit)) continue;
    fit.warnings.push({ code: 'value-long', params: { field, limit } });
    if (limitsFromDevice) fit.impossible ??= { field, code: 'value-long', params: { field, limit } };
  }
}

function fitRecipients(fit: Fit, { maxRecipients }: EmailCapabilities): void {
  const count = fit.wanted.recipients?.length ?? 0;
  if (maxRecipients === undefined || count <= maxRecipients) return;
  fit.warnings.push({ code: 'too-many-recipients', params: { count, limit: maxRecipients } });
  fit.impossible ??= { field: 'recipients', code: 'too-many-recipients', params: { count, limit: maxRecipients } };
}
