import { type Clock, systemClock } from '../../core/clock.ts';
import { CameraEmailError, isCameraEmailError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Secret } from '../../core/secret.ts';
import type { RawEvent } from '../../events/source.ts';
import type { DeviceHttp } from '../../http/types.ts';
import { child, children, childText } from '../../http/xml.ts';
import type {
  Attachment,
  Camera,
  CameraDriver,
  DeviceIdentity,
  DeviceWrite,
  EmailCapabilities,
  EmailPlan,
  EmailReading,
  TestAnswer,
  WantedEmail,
  Warning,
} from '../driver.ts';
import { fetchJpeg } from '../jpeg.ts';
import { OnvifDevice } from '../onvif-device.ts';
import { topicsIn } from '../onvif-topics.ts';
import { pullEvents } from '../pull-point.ts';
import { attachmentOf, RECIPIENT_TEMPLATE } from './email.ts';
import { isMail, READ, type State, stateOf, withoutSecrets } from './entities.ts';
import { isOfDetection, readAxis } from './events.ts';
import { identify } from './identity.ts';
import { availableTriggers, type NewTrigger, typeOf } from './linkage.ts';
import { exchangeToRestore, planExchange, stateSettings, type Templates } from './plan.ts';
import { openAnswer, SERVICES, Vapix } from './soap.ts';
import { MailTrial } from './trial.ts';
import { exchangeWrites, fillIds, operationOf, removalOf } from './writes.ts';

const VENDOR = 'axis';
const LABEL = 'Axis';

export const axis: CameraDriver<typeof VENDOR> = {
  vendor: VENDOR,
  label: LABEL,
  brands: [LABEL],
  evidence: 'vendor document',
  experimentalTest: true,
  identify,
  open: (http, channel) => openAxis(http, channel, systemClock),
};

/** As `axis.open`, with the clock that the wait for a test mail goes by. */
export function openAxis(http: DeviceHttp, channel: number, clock: Clock): Camera {
  return new AxisCamera(http, channel, clock);
}

/** What `plan` has to know and cannot ask; travels in EmailCapabilities.private. */
interface Knowledge {
  plain: boolean;
  templates: Templates;
  triggers: readonly NewTrigger[];
}

class AxisCamera implements Camera {
  readonly #vapix: Vapix;
  #templates: Promise<Templates> | undefined;
  /** Of the last reading with events. */
  #triggers: NewTrigger[] = [];
  #linked: string[] = [];

  constructor(
    private readonly http: DeviceHttp,
    private readonly channel: number,
    private readonly clock: Clock,
  ) {
    this.#vapix = new Vapix(http);
  }

  /** By a pull point of the device's own services: ONVIF's would want a user of ONVIF. */
  events(signal: AbortSignal): AsyncIterable<RawEvent> {
    return pullEvents(new OnvifDevice(this.http, { clock: this.clock, httpLogin: true }), { path: SERVICES, read: readAxis }, signal);
  }

  /** Motion is the business of applications, which have to run; only then there is an instance of their event. */
  async eventWarnings(signal: AbortSignal): Promise<Warning[]> {
    const { answer } = openAnswer((await this.#vapix.get('GetEventInstances', signal)).body, 'GetEventInstances');
    const topics = topicsIn(child(answer, 'TopicSet'));
    const warnings: Warning[] = topics.length > 0 && !topics.some(isOfDetection) ? [{ code: 'no-detection' }] : [];
    return warnings;
  }

  snapshot(channel: number, signal: AbortSignal): Promise<Buffer> {
    return fetchJpeg(this.http, `/axis-cgi/jpg/image.cgi?camera=${channel}`, signal);
  }

  async identity(signal: AbortSignal): Promise<DeviceIdentity> {
    const identity = await identify(this.http, signal);
    if (identity === undefined) throw new CameraEmailError('unreadable', 'this is no Axis device', { params: { host: this.http.host } });
    return identity;
  }

  async capabilities(signal: AbortSignal): Promise<EmailCapabilities> {
    const templates = await this.#readTemplates(signal);
    const known = [...templates.keys()];
    const knowledge: Knowledge = { plain: !this.http.secure, templates, triggers: this.#triggers };
    return {
      securities: templates.get(RECIPIENT_TEMPLATE)?.includes('encryption') === false ? ['none'] : undefined,
      attachments: [...new Set(known.map(attachmentOf))].filter((one): one is Attachment => one !== undefined),
      events: [...new Set([...this.#triggers.map(({ type }) => type), ...this.#linked])].sort(),
      private: knowledge,
    };
  }

  async read(scope: { events: boolean }, signal: AbortSignal): Promise<EmailReading> {
    const reading: EmailReading = { settings: {}, documents: [] };
    for (const operation of READ) {
      const document = await this.#vapix.get(operation, signal);
      reading.documents.push({ ...document, body: withoutSecrets(document.body) });
    }
    const state = stateOf(reading);
    if (scope.events) {
      this.#triggers = (await this.#readTriggers(signal)) ?? [];
      this.#linked = state.rules.map((rule) => typeOf(rule, this.channel)).filter((type) => type !== undefined);
    }
    const available = this.#triggers.length;
    reading.settings = stateSettings(state, scope.events ? { channel: this.channel, available } : undefined);
    return reading;
  }

  plan(reading: EmailReading, wanted: WantedEmail, capabilities: EmailCapabilities): EmailPlan {
    const { plain, templates, triggers } = capabilities.private as Knowledge;
    const { changes, exchange, unavailable, silent } = planExchange(stateOf(reading), reading.settings, wanted, templates, triggers);
    const plan: EmailPlan = { changes, writes: exchangeWrites(exchange, wanted.password.reveal()), warnings: [] };
    plan.warnings.push(...unavailable.map((value) => ({ code: 'event-not-available', params: { value } })));
    if (silent) plan.warnings.push({ code: 'not-linked' });
    if (plain && plan.writes.some(carriesPassword)) plan.warnings.push({ code: 'plain-http' });
    return plan;
  }

  /** When something is refused before the old goes, what was added is taken back, and the device is as it was. */
  async apply(plan: EmailPlan, signal: AbortSignal): Promise<Warning[]> {
    if (plan.writes.some(carriesPassword)) this.#refusePlain();
    const ids: (string | undefined)[] = [];
    for (const write of plan.writes) {
      const operation = operationOf(write);
      try {
        ids.push(await this.#vapix.change(operation, fillIds(write.body ?? '', ids), signal));
      } catch (error) {
        if (operation.startsWith('Add')) await this.#takeBack(plan.writes, ids);
        throw error;
      }
    }
    return [];
  }

  async restore(reading: EmailReading, password: Secret | undefined, signal: AbortSignal): Promise<void> {
    const exchange = exchangeToRestore(stateOf(reading), await this.#readState(signal), password?.reveal());
    await this.apply({ changes: [], writes: exchangeWrites(exchange, password?.reveal() ?? ''), warnings: [] }, signal);
  }

  async sendTestEmail(wanted: WantedEmail, signal: AbortSignal): Promise<TestAnswer> {
    const state = await this.#readState(signal);
    const templates = await this.#readTemplates(signal);
    if (wanted.authentication) this.#refusePlain();
    const recipients = wanted.recipients ?? stateSettings(state, undefined).recipients;
    try {
      const trial = new MailTrial(this.#vapix, (own) => this.#readState(own), this.clock);
      return await trial.run(state, { ...wanted, recipients }, templates, signal);
    } catch (error) {
      if (!isCameraEmailError(error, 'unsupported', 'forbidden', 'busy')) throw error;
      return { accepted: undefined, deviceSays: error.deviceSays ?? error.message };
    }
  }

  async #readState(signal: AbortSignal): Promise<State> {
    const { documents } = await this.read({ events: false }, signal);
    return stateOf({ documents });
  }

  #readTemplates(signal: AbortSignal): Promise<Templates> {
    this.#templates ??= this.#askTemplates(signal);
    this.#templates.catch(() => {
      this.#templates = undefined;
    });
    return this.#templates;
  }

  async #askTemplates(signal: AbortSignal): Promise<Templates> {
    const ask = async (operation: 'GetRecipientTemplates' | 'GetActionTemplates', name: string) => {
      const { answer } = openAnswer((await this.#vapix.get(operation, signal)).body, operation);
      return children(child(answer, `${name}s`), name);
    };
    const names = (template: Parameters<typeof child>[0]) =>
      children(child(template, 'Parameters'), 'Parameter').map(({ attributes }) => attributes.Name ?? '');
    const templates = new Map<string, readonly string[]>();
    for (const template of await ask('GetRecipientTemplates', 'RecipientTemplate'))
      templates.set(childText(template, 'TemplateToken') ?? '', names(template));
    for (const template of await ask('GetActionTemplates', 'ActionTemplate')) {
      const recipient = templates.get(childText(template, 'RecipientTemplate') ?? '') ?? [];
      templates.set(childText(template, 'TemplateToken') ?? '', [...names(template), ...recipient]);
    }
    return new Map([...templates].filter(([token]) => isMail(token)));
  }

  async #readTriggers(signal: AbortSignal): Promise<NewTrigger[] | undefined> {
    try {
      return availableTriggers((await this.#vapix.get('GetEventInstances', signal)).body, this.channel);
    } catch (error) {
      if (isCameraEmailError(error, 'unsupported', 'forbidden', 'rejected', 'unreadable')) return undefined;
      throw error;
    }
  }

  async #takeBack(writes: readonly DeviceWrite[], ids: readonly (string | undefined)[]): Promise<void> {
    for (const [position, id] of [...ids.entries()].reverse()) {
      const write = writes[position];
      if (write === undefined || id === undefined) continue;
      const { operation, body } = removalOf(operationOf(write), id);
      await this.#vapix.change(operation, body, AbortSignal.timeout(LIMITS.device.requestMs)).catch(() => undefined);
    }
  }

  #refusePlain(): void {
    if (this.http.secure || this.http.plainChosen) return;
    throw new CameraEmailError('plain-http', 'the mail password would go out in clear', { params: { host: this.http.host } });
  }
}

function carriesPassword({ body = '' }: DeviceWrite): boolean {
  return /<Parameter Name="password" Value="[^"]/.test(body);
}
