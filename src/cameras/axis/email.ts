import type { Attachment, EmailSettings, MailSecurity, WantedEmail } from '../driver.ts';
import type { Configuration, Parameter } from './entities.ts';

/** The vendor's `tls` is STARTTLS on port 587, its `ssl` TLS from the start on 465. */
const ENCRYPTIONS: Readonly<Record<MailSecurity, string>> = { none: 'none', tls: 'ssl', starttls: 'tls' };

const ACTIONS: Readonly<Record<Attachment, string>> = { none: 'notification', snapshot: 'send_images', clip: 'send_videoclip' };

export const RECIPIENT_TEMPLATE = 'com.axis.recipient.smtp';
export const NOTIFICATION_TEMPLATE = 'com.axis.action.fixed.notification.smtp';

/** Parameters of the templates as documented; what the device lists wins. */
export const RECIPIENT_PARAMETERS = [
  'email_to',
  'email_from',
  'host',
  'port',
  'login',
  'password',
  'pop_host',
  'pop_port',
  'pop_login',
  'pop_password',
  'qos',
  'encryption',
  'validate_server_cert',
] as const;

/** Settings of a device on which nobody has set up mail. */
export const NO_SETTINGS: EmailSettings = { server: '', security: 'none', authentication: false, sender: '', recipients: [] };

/** One recipient or action in our words. */
export function settingsOf({ parameters }: Pick<Configuration, 'parameters'>): EmailSettings {
  const text = (name: string) => parameters.find((parameter) => parameter.name === name)?.value;
  const login = text('login') ?? '';
  const port = Number(text('port') || Number.NaN);
  const encryption = text('encryption') || 'none';
  return {
    server: text('host') ?? '',
    port: Number.isInteger(port) ? port : 0,
    security: (Object.keys(ENCRYPTIONS) as MailSecurity[]).find((security) => ENCRYPTIONS[security] === encryption),
    authentication: login !== '',
    username: login === '' ? undefined : login,
    sender: text('email_from') ?? '',
    recipients: (text('email_to') ?? '')
      .split(/[,;]/)
      .map((address) => address.trim())
      .filter((address) => address !== ''),
  };
}

/** What an action attaches; undefined for templates that are none of the three. */
export function attachmentOf(template: string): Attachment | undefined {
  const name = /^com\.axis\.action\.(?:fixed|unlimited)\.(\w+)\.smtp$/.exec(template)?.[1];
  return (Object.keys(ACTIONS) as Attachment[]).find((attachment) => ACTIONS[attachment] === name);
}

/** The template that attaches something else; only pictures and clips can go on for as long as the event. */
export function templateFor(attachment: Attachment, template = NOTIFICATION_TEMPLATE): string {
  const length = attachment !== 'none' && template.includes('.unlimited.') ? 'unlimited' : 'fixed';
  return `com.axis.action.${length}.${ACTIONS[attachment]}.smtp`;
}

/** Every template parameter must be there, empty when it is not used. `current` are the values to keep. */
export function mailParameters(
  names: readonly string[],
  current: readonly Parameter[],
  wanted: WantedEmail,
  password: string,
): Parameter[] {
  const kept = (name: string) => current.find((parameter) => parameter.name === name)?.value;
  const values: Partial<Record<string, string>> = {
    email_to: wanted.recipients?.join(',') ?? kept('email_to') ?? '',
    email_from: wanted.sender,
    host: wanted.server,
    port: String(wanted.port),
    login: wanted.authentication ? wanted.username : '',
    password: wanted.authentication ? password : '',
    // A login before SMTP at a POP server belongs to the account that goes.
    pop_host: '',
    pop_port: '',
    pop_login: '',
    pop_password: '',
    encryption: ENCRYPTIONS[wanted.security],
  };
  return [...new Set([...current.map(({ name }) => name).filter((name) => names.includes(name)), ...names])].map((name) => ({
    name,
    value: values[name] ?? kept(name) ?? DEFAULTS[name] ?? '',
  }));
}

/** The same parameters with the password put in where there is a login. */
export function withPassword(parameters: readonly Parameter[], password: string): Parameter[] {
  const login = parameters.find(({ name }) => name === 'login')?.value ?? '';
  return parameters.map((one) => (one.name === 'password' ? { ...one, value: login === '' ? '' : password } : one));
}

/** For new actions. Modifiers are percent-encoded, as the vendor demands: `%25F` is the date, `%25T` the time. Durations in milliseconds. */
const DEFAULTS: Readonly<Record<string, string>> = {
  subject: 'Camera alert',
  message: 'Camera alert %25F %25T',
  qos: '0',
  validate_server_cert: '0',
  pre_duration: '0',
  post_duration: '1000',
  filename: 'camera-%25F-%25H-%25M-%25S-%25f',
  max_sequence_number: '0',
  max_images: '1',
  images_per_mail: '1',
};

const SUBJECT = ['subject', 'message'];
const FILES = ['stream_options', 'pre_duration', 'post_duration', 'create_folder', 'filename'];

/** Own parameters of the mail actions, as documented. */
export const ACTION_PARAMETERS: Readonly<Record<Attachment, readonly string[]>> = {
  none: SUBJECT,
  snapshot: [...FILES, 'max_sequence_number', 'max_images', 'images_per_mail', ...SUBJECT],
  clip: [...FILES, 'max_file_size', 'max_duration', ...SUBJECT],
};
