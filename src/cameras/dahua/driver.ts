import { CameraEmailError, type ErrorCode, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Secret } from '../../core/secret.ts';
import type { RawEvent } from '../../events/source.ts';
import type { DeviceHttp } from '../../http/types.ts';
import { changesTo } from '../changes.ts';
import type {
  Camera,
  CameraDriver,
  Change,
  DeviceDocument,
  DeviceIdentity,
  DeviceWrite,
  EmailCapabilities,
  EmailPlan,
  EmailReading,
  TestAnswer,
  WantedEmail,
  Warning,
} from '../driver.ts';
import { optional } from '../optional.ts';
import { Cgi, type InfoAction } from './cgi.ts';
import { type ConfigTable, type Entry, parseTable, setConfigPath } from './config-table.ts';
import {
  DOCUMENTED_LIMITS,
  emailEntries,
  entriesToRestore,
  isContradictory,
  PASSWORD_KEY,
  readEmail,
  securitiesOf,
  withoutPassword,
} from './email.ts';
import { detectionWarnings, eventStream } from './event-stream.ts';
import { type ConfigTables, DEVICE_WIDE, LINKAGE_TABLES, linkageFaults, linkageToRestore, planLinkage, readLinkage } from './linkage.ts';
import { takePicture } from './picture.ts';
import { isNotUnderstood, isNoVerdict, Rpc2Session } from './rpc2.ts';

const VENDOR = 'dahua';
const MASK = '•';
/** A busy device or a broken answer is no reason to go on without. */
const MAY_LACK: readonly ErrorCode[] = ['unsupported', 'forbidden'];

export const dahua: CameraDriver<typeof VENDOR> = {
  vendor: VENDOR,
  label: 'Dahua',
  brands: ['Dahua', 'Amcrest', 'Lorex', 'EmpireTech', 'Intelbras', 'IMOU'],
  evidence: 'public code',
  async identify(http, signal) {
    const cgi = new Cgi(http);
    if (!(await cgi.recognizes(signal))) return undefined;
    try {
      return identityFrom(await cgi.info('getSystemInfo', signal));
    } catch (error) {
      if (isCameraEmailError(error, 'unsupported', 'unreadable')) return undefined;
      throw error;
    }
  },
  open: (http, channel, identity) => new DahuaCamera(http, channel, identity),
};

function identityFrom(system: ReadonlyMap<string, string>): DeviceIdentity {
  const type = system.get('deviceType') ?? '';
  const update = system.get('updateSerial') ?? '';
  // Recorders give a number here and their model in updateSerial; some cameras only say what they are.
  const model = type === '' || /^(\d+|ip camera)$/i.test(type) ? update || type : type;
  return {
    vendor: VENDOR,
    brand: dahua.label,
    model,
    firmware: '',
    serial: system.get('serialNumber') ?? '',
    kind: kindOf(`${type} ${update}`),
  };
}

function kindOf(names: string): DeviceIdentity['kind'] {
  if (/NVR|XVR|DVR|HCVR|MHDX/i.test(names) || /^\d+ /.test(names)) return 'recorder';
  if (/VTO|AD[14]10/i.test(names)) return 'doorbell';
  return /IPC|IP camera|\bIP\d+M-/i.test(names) ? 'camera' : 'unknown';
}

/** What `plan` needs to know about the transport; travels in EmailCapabilities.private. */
interface Transport {
  plain: boolean;
}

class DahuaCamera implements Camera {
  readonly #cgi: Cgi;
  #email: ConfigTable | undefined;
  #events: string[] | undefined;
  #session: Rpc2Session | undefined;

  constructor(
    private readonly http: DeviceHttp,
    private readonly channel: number,
    private readonly device: DeviceIdentity,
  ) {
    this.#cgi = new Cgi(http);
  }

  /** What `identify` told, and what takes further requests: firmware, name, and the vendor as the device calls itself. */
  async identity(signal: AbortSignal): Promise<DeviceIdentity> {
    const told = async (action: InfoAction, key: string) =>
      (await optional(() => this.#cgi.info(action, signal), MAY_LACK))?.get(key) || undefined;
    return {
      ...this.device,
      firmware: (await told('getSoftwareVersion', 'version')) ?? this.device.firmware,
      name: await told('getMachineName', 'name'),
      brand: (await told('getVendor', 'vendor')) ?? this.device.brand,
    };
  }

  async capabilities(_signal: AbortSignal): Promise<EmailCapabilities> {
    const transport: Transport = { plain: !this.http.secure };
    return {
      ...DOCUMENTED_LIMITS,
      securities: this.#email === undefined ? undefined : securitiesOf(this.#email),
      attachments: ['none', 'snapshot'],
      events: this.#events,
      stickyEvents: this.device.kind === 'camera' ? DEVICE_WIDE : [...DEVICE_WIDE, 'alarm-input'],
      private: transport,
    };
  }

  async read(scope: { events: boolean }, signal: AbortSignal): Promise<EmailReading> {
    const email = await this.#cgi.getConfig('Email', signal);
    this.#email = parseTable(email.body);
    const reading: EmailReading = {
      settings: readEmail(this.#email),
      documents: [{ ...email, body: withoutPassword(email.body) }],
    };
    if (!scope.events) return reading;
    for (const name of LINKAGE_TABLES) {
      const document = await optional(() => this.#cgi.getConfig(name, signal), MAY_LACK);
      if (document !== undefined) reading.documents.push(document);
    }
    const { linked, available } = readLinkage(tablesOf(reading), this.channel);
    this.#events = available;
    if (available.length > 0) reading.settings.events = linked;
    return reading;
  }

  plan(reading: EmailReading, wanted: WantedEmail, capabilities: EmailCapabilities): EmailPlan {
    const tables = tablesOf(reading);
    const email = tables.get('Email');
    const changes = changesTo(reading.settings, wanted);
    if (email !== undefined && isContradictory(email)) addSecurityChange(changes, reading, wanted);
    const plan: EmailPlan = { changes, writes: [], warnings: [] };
    if ((capabilities.private as Transport | undefined)?.plain) plan.warnings.push({ code: 'plain-http' });
    const entries = email === undefined ? [] : emailEntries(email, wanted, changes);
    if (entries.length > 0) plan.writes.push(write(entries));
    if (reading.settings.events === undefined) return plan;
    if (wanted.events !== undefined && changes.some(({ field }) => field === 'events' || field === 'attachment')) {
      const snapshot = (wanted.attachment ?? reading.settings.attachment) === 'snapshot';
      plan.writes.push(...planLinkage(tables, this.channel, wanted.events, snapshot).map(write));
    }
    plan.warnings.push(...linkageWarnings(tables, this.channel, wanted.events ?? reading.settings.events));
    return plan;
  }

  async apply(plan: EmailPlan, signal: AbortSignal): Promise<Warning[]> {
    this.#checkTransport(plan.writes);
    for (const { path } of plan.writes) await this.#cgi.setConfig(path, signal);
    return [];
  }

  async restore(reading: EmailReading, password: Secret | undefined, signal: AbortSignal): Promise<void> {
    const before = tablesOf(reading);
    const writes: DeviceWrite[] = [];
    const email = before.get('Email');
    if (email !== undefined) {
      const now = parseTable((await this.#cgi.getConfig('Email', signal)).body);
      const entries = entriesToRestore(email, now, password);
      if (entries.length > 0) writes.push(write(entries));
    }
    const now = new Map<string, ConfigTable>();
    for (const name of LINKAGE_TABLES.filter((one) => before.has(one))) {
      now.set(name, parseTable((await this.#cgi.getConfig(name, signal)).body));
    }
    writes.push(...linkageToRestore(before, now, this.channel).map(write));
    this.#checkTransport(writes);
    for (const { path } of writes) await this.#cgi.setConfig(path, signal);
  }

  /** Asks the page behind the web interface for its test mail, which is sent with the stored settings. */
  async sendTestEmail(_wanted: WantedEmail, signal: AbortSignal): Promise<TestAnswer> {
    try {
      this.#session = await Rpc2Session.login(this.http, signal);
    } catch (error) {
      if (isNoVerdict(error)) return { accepted: undefined, deviceSays: error.deviceSays ?? '' };
      throw error;
    }
    try {
      return await this.#test(this.#session, signal);
    } catch (error) {
      // It may have sent the mail all the same: only the inbox can tell.
      const silent = isCameraEmailError(error, 'timeout', 'connection-lost', 'unreadable', 'unsupported');
      if (silent && !signal.aborted) return { accepted: undefined, deviceSays: error.deviceSays ?? '' };
      throw error;
    } finally {
      // Also after an abort: the device has few sessions.
      await this.close(AbortSignal.timeout(LIMITS.device.connectMs)).catch(() => undefined);
    }
  }

  events(signal: AbortSignal): AsyncIterable<RawEvent> {
    return eventStream(this.http, this.#cgi, { doorbell: this.device.kind === 'doorbell' }, signal);
  }

  /** Recorders pass on what their cameras detect, whatever their own tables say. */
  async eventWarnings(signal: AbortSignal): Promise<Warning[]> {
    return this.device.kind === 'camera' ? detectionWarnings(this.#cgi, signal) : [];
  }

  snapshot(channel: number, signal: AbortSignal): Promise<Buffer> {
    return takePicture(this.http, this.#cgi, channel, signal);
  }

  async close(signal: AbortSignal): Promise<void> {
    const session = this.#session;
    await session?.logout(signal);
    if (this.#session === session) this.#session = undefined;
  }

  async #test(session: Rpc2Session, signal: AbortSignal): Promise<TestAnswer> {
    const timeoutMs = LIMITS.device.testMs;
    let answer = await session.call('netApp.sendTestMail', signal, { timeoutMs });
    if (isNotUnderstood(answer)) {
      // Older firmware wants an instance of the service first.
      const instance = await session.call('netApp.factory.instance', signal);
      if (typeof instance.result === 'number' && instance.result > 0) {
        answer = await session.call('netApp.sendTestMail', signal, { object: instance.result, timeoutMs });
      }
    }
    const { result, words } = answer;
    if (result === true) return { accepted: true, deviceSays: words };
    return { accepted: result === false && !isNotUnderstood(answer) ? false : undefined, deviceSays: words };
  }

  /** The mail password travels in the request line; over plain http only when the user chose that himself. */
  #checkTransport(writes: readonly DeviceWrite[]): void {
    if (this.http.secure || this.http.plainChosen || writes.every(({ path, shown }) => path === shown.path)) return;
    throw new CameraEmailError('plain-http', 'the device has no encryption for the mail password', { params: { host: this.http.host } });
  }
}

function write(entries: readonly Entry[]): DeviceWrite {
  return {
    method: 'GET',
    path: setConfigPath(entries),
    shown: { path: setConfigPath(entries, { key: PASSWORD_KEY, shown: MASK }) },
  };
}

function tablesOf({ documents }: EmailReading): ConfigTables {
  return new Map(documents.map((document) => [nameOf(document), parseTable(document.body)]));
}

function nameOf({ path }: DeviceDocument): string {
  return /[?&]name=(\w+)/.exec(path)?.[1] ?? '';
}

function addSecurityChange(changes: Change[], { settings }: EmailReading, { security }: WantedEmail): void {
  if (!changes.some(({ field }) => field === 'security')) changes.unshift({ field: 'security', from: settings.security, to: security });
}

function linkageWarnings(tables: ConfigTables, channel: number, linked: readonly string[]): Warning[] {
  if (linked.length === 0) return [{ code: 'not-linked' }];
  const { off, unscheduled, disarmed } = linkageFaults(tables, channel, linked);
  return [
    ...off.map((value) => ({ code: 'detection-off', params: { value } })),
    ...unscheduled.map((value) => ({ code: 'schedule-empty', params: { value } })),
    ...(disarmed ? [{ code: 'disarmed' }] : []),
  ];
}
