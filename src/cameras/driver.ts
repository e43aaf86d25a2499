import type { Secret } from '../core/secret.ts';
import type { RawEvent } from '../events/source.ts';
import type { DeviceHttp } from '../http/types.ts';

export type Evidence = 'vendor document' | 'recorded' | 'public code';
export type MailSecurity = 'none' | 'tls' | 'starttls';
export type Attachment = 'none' | 'snapshot' | 'clip';

export interface DeviceIdentity {
  vendor: string;
  /** The name on the case when the device tells, else the vendor's label. */
  brand: string;
  model: string;
  firmware: string;
  serial: string;
  name?: string | undefined;
  mac?: string | undefined;
  kind: 'camera' | 'recorder' | 'doorbell' | 'unknown';
}

/** The device's e-mail settings in our words. A member that is undefined is one that the device does not have or does not tell. */
export interface EmailSettings {
  enabled?: boolean | undefined;
  server?: string | undefined;
  port?: number | undefined;
  security?: MailSecurity | undefined;
  authentication?: boolean | undefined;
  username?: string | undefined;
  /** Only where the device returns it in clear; never a mask. */
  password?: Secret | undefined;
  sender?: string | undefined;
  senderName?: string | undefined;
  /** Without empty slots. */
  recipients?: string[] | undefined;
  attachment?: Attachment | undefined;
  /** Seconds. */
  minInterval?: number | undefined;
  subject?: string | undefined;
  /** Event types (the vocabulary of camera-events) that send mail on this channel. */
  events?: string[] | undefined;
}

export type SettingField = keyof EmailSettings;

/** One answer of the device, byte for byte (latin1 keeps bytes of any charset). */
export interface DeviceDocument {
  /** The request target that answered. */
  path: string;
  contentType?: string | undefined;
  /** Each character is one byte of the answer. */
  body: string;
}

export interface EmailReading {
  settings: EmailSettings;
  /** What the device sent, whole: this is the backup. Drivers remove or mask passwords before they put a document here. */
  documents: DeviceDocument[];
}

/** What the user wants. A member that is undefined is left as the device has it. */
export interface WantedEmail {
  enabled: boolean;
  server: string;
  port: number;
  security: MailSecurity;
  authentication: boolean;
  username: string;
  password: Secret;
  /** The password has to be written even if all else is in place: it was changed, or nobody knows what the camera holds. */
  writePassword: boolean;
  sender: string;
  senderName?: string | undefined;
  recipients?: string[] | undefined;
  attachment?: Attachment | undefined;
  minInterval?: number | undefined;
  events?: string[] | undefined;
  channel: number;
}

/** What the device can do, so that a plan can warn before it writes. Undefined: unknown. */
export interface EmailCapabilities {
  securities?: readonly MailSecurity[] | undefined;
  /** Longest values in bytes. */
  /** The device said its limits itself; otherwise they are documented ones that firmware may exceed. */
  limitsFromDevice?: boolean | undefined;
  maxLength?: Partial<Record<'server' | 'username' | 'password' | 'sender' | 'senderName' | 'recipient', number>> | undefined;
  maxRecipients?: number | undefined;
  /** Seconds that the device accepts. */
  intervals?: readonly number[] | undefined;
  attachments?: readonly Attachment[] | undefined;
  /** Events whose linkage to mail can be set. */
  events?: readonly string[] | undefined;
  /** Those that are switched on when wanted and never off, because they are not this channel's alone. */
  stickyEvents?: readonly string[] | undefined;
  /** Whatever else the driver learnt and needs again in `plan` or `apply`; opaque to everybody else. */
  private?: unknown;
}

export interface Warning {
  /** One text per code in the locale under `warnings`. */
  code: string;
  params?: Record<string, string | number> | undefined;
}

export interface Change {
  field: SettingField;
  from: unknown;
  to: unknown;
}

/** A literal write. `path` and `body` hold the real password; `shown` is the same with bullets, fit for messages. */
export interface DeviceWrite {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  path: string;
  contentType?: string | undefined;
  body?: string | undefined;
  shown: { path: string; body?: string | undefined };
}

export interface EmailPlan {
  changes: Change[];
  writes: DeviceWrite[];
  warnings: Warning[];
  /** Set when the device cannot hold what is wanted (too long, no such security): nothing must be written. */
  impossible?: { field: SettingField; code: string; params?: Record<string, string | number> } | undefined;
}

/** No name server, or no way out of the local network. */
export type MailObstacle = 'dns' | 'gateway';

/** What the device answered to "send a test mail". */
export interface TestAnswer {
  /** True: the device says the mail is sent. False: it says it failed. Undefined: it cannot say (refuses the command): inconclusive. */
  accepted: boolean | undefined;
  /** False: certainly nothing was sent, so that nobody need look for it. */
  sent?: boolean;
  /** Its words, verbatim. */
  deviceSays: string;
}

/** One opened device. Methods reject with a CameraEmailError. No retries in here: a wrong password locks accounts. */
export interface Camera {
  identity(signal: AbortSignal): Promise<DeviceIdentity>;
  /**
   * Called after `read`, so that what the documents show need not be asked again. `toWrite`: it is about to be written, and what makes
   * no difference to it need not be asked at all.
   */
  capabilities(signal: AbortSignal, toWrite?: Omit<WantedEmail, 'writePassword' | 'channel'>): Promise<EmailCapabilities>;
  /** `events`: read also which events send mail; it costs another request. */
  read(scope: { events: boolean }, signal: AbortSignal): Promise<EmailReading>;
  /** Pure and synchronous: the dry run is the literal writes. */
  plan(reading: EmailReading, wanted: WantedEmail, capabilities: EmailCapabilities): EmailPlan;
  /** Performs the writes in order. What the device said besides OK comes back as warnings. */
  apply(plan: EmailPlan, signal: AbortSignal): Promise<Warning[]>;
  /** Writes the documents of an earlier reading back. `password` is the one that belongs to them, when it is known. */
  restore(reading: EmailReading, password: Secret | undefined, signal: AbortSignal): Promise<void>;
  sendTestEmail?(wanted: WantedEmail, signal: AbortSignal): Promise<TestAnswer>;
  /** Asked after a test mail failed: what in the device's own network settings explains it. */
  mailObstacle?(signal: AbortSignal): Promise<MailObstacle | undefined>;
  /** One connection's worth of events; see EventSource. Whoever asks reconnects (events/reconnect.ts). */
  events?(signal: AbortSignal): AsyncIterable<RawEvent>;
  /** Why the device may have nothing to tell although it is connected. */
  eventWarnings?(signal: AbortSignal): Promise<Warning[]>;
  /** A whole JPEG of the channel (1-based). */
  snapshot?(channel: number, signal: AbortSignal): Promise<Buffer>;
  /** Ends sessions the device counts (token vendors log out here). Safe to call twice. */
  close?(signal: AbortSignal): Promise<void>;
}

export interface CameraDriver<V extends string = string> {
  readonly vendor: V;
  readonly label: string;
  readonly brands: readonly string[];
  readonly evidence: Evidence;
  /** Its mail settings cannot be written. */
  readonly eventsOnly?: true;
  /** No device has confirmed how its own test mail is asked for. */
  readonly experimentalTest?: true;
  /** Undefined when the device is of another make. At most one authenticated request. */
  identify(http: DeviceHttp, signal: AbortSignal): Promise<DeviceIdentity | undefined>;
  /** `identity` is what `identify` told of the same device a moment ago. */
  open(http: DeviceHttp, channel: number, identity: DeviceIdentity): Camera;
}
