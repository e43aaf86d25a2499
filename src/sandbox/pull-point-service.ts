import type { IncomingMessage, ServerResponse } from 'node:http';
import { childText, type XmlElement } from '../http/xml.ts';
import { fault, soap } from './soap-text.ts';

/** What a device may do wrong with its subscriptions; switched while it runs. */
export interface PullPointFaults {
  /** Pulls are never answered. */
  silent?: boolean;
  /** Cuts every pull. */
  drop?: boolean;
  /** Answers pulls with this, HTTP 200. */
  garbage?: string;
  /** Does not know Renew; pulls prolong the subscription in its place. */
  withoutRenew?: boolean;
  /** Pulls do not prolong the subscription. */
  renewOnly?: boolean;
  /** Leaves the two times out of its answers. */
  withoutTimes?: boolean;
  /** Answers a pull at once, also when there is nothing. */
  impatient?: boolean;
  /** Tells this with every pull. */
  chatter?: SimulatedNotification;
  /** Takes no durations. */
  absoluteOnly?: boolean;
  /** All places are taken. */
  full?: boolean;
}

export interface SimulatedNotification {
  /** With prefixes, as on the wire. */
  topic: string;
  operation?: 'Initialized' | 'Changed' | 'Deleted';
  source?: Record<string, string>;
  key?: Record<string, string>;
  data?: Record<string, string>;
  /** The device's clock, epoch ms. */
  at?: number;
  /** Takes the place of the whole message. */
  xml?: string;
}

interface Subscription {
  id: number;
  expiresAt: number;
  waiting: string[];
  pull: ((messages: string[]) => void) | undefined;
}

/** The event service of a simulated ONVIF device, with subscriptions as strict as real ones: places are few, and they run out. */
export class PullPointService {
  faults: PullPointFaults = {};
  /** The address that it tells for subscriptions; `{id}` is the number. */
  address = 'http://192.0.2.99:8106/onvif/subscription?id={id}';
  /** XML of reference parameters, as Axis has them; then requests must bring them back. */
  reference: string | undefined;
  /** What it could tell of, with prefixes. */
  topics: string[] = ['tns1:RuleEngine/CellMotionDetector/Motion', 'tns1:Device/Trigger/DigitalInput', 'tns1:Monitoring/ProcessorUsage'];
  /** States that SetSynchronizationPoint tells. */
  states: SimulatedNotification[] = [];
  created = 0;
  renewed = 0;
  pulled = 0;
  readonly #subscriptions = new Map<number, Subscription>();
  #wake: () => void = () => undefined;

  /** `now` is the device's clock, epoch ms. */
  constructor(private readonly now: () => number) {}

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** A pull waits for messages. */
  get pulling(): boolean {
    return [...this.#subscriptions.values()].some(({ pull }) => pull !== undefined);
  }

  /** Resolves when a pull waits for messages. */
  async untilPulled(): Promise<void> {
    while (!this.pulling) await this.#change();
  }

  /** Resolves when there are so many subscriptions. */
  async untilSubscriptions(count: number): Promise<void> {
    while (this.#subscriptions.size !== count) await this.#change();
  }

  /** Tells all subscribers, in one answer. */
  notify(...notifications: SimulatedNotification[]): void {
    for (const subscription of this.#subscriptions.values()) {
      subscription.waiting.push(...notifications.map((one) => this.#xml(one)));
      subscription.pull?.(subscription.waiting.splice(0));
    }
  }

  /** Forgets all subscriptions, as after a restart; pulls under way get a fault. */
  expire(): void {
    const all = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    for (const { pull } of all) pull?.([]);
    this.#wake();
  }

  /** Answers an operation of the event service. `path` is the request's, with its query. */
  answer(operation: string, message: XmlElement, body: string, path: string, request: IncomingMessage, response: ServerResponse): void {
    const send = (status: number, xml: string) => {
      response.writeHead(status, { 'Content-Type': 'application/soap+xml; charset=utf-8' });
      response.end(xml);
    };
    if (operation === 'CreatePullPointSubscription') {
      this.#create(message, send);
      return;
    }
    if (operation === 'GetEventProperties') {
      send(
        200,
        soap(
          `<tev:GetEventPropertiesResponse><wstop:TopicSet>${this.topics.map(topicXml).join('')}</wstop:TopicSet></tev:GetEventPropertiesResponse>`,
        ),
      );
      return;
    }
    const id = this.reference === undefined ? /id=(\d+)/.exec(path)?.[1] : /SubscriptionId[^>]*>(\d+)</.exec(body)?.[1];
    const subscription = this.#subscriptions.get(Number(id ?? -1));
    const expired = subscription !== undefined && subscription.expiresAt <= this.now();
    if (expired) this.#subscriptions.delete(subscription.id);
    if (subscription === undefined || expired) send(400, fault('wsrf-rw:ResourceUnknownFault', 'The resource is unknown'));
    else if (operation === 'PullMessages') this.#pull(subscription, message, request, send);
    else if (operation === 'SetSynchronizationPoint') {
      send(200, soap('<tev:SetSynchronizationPointResponse/>'));
      this.notify(...this.states);
    } else if (operation === 'Unsubscribe') {
      this.#subscriptions.delete(subscription.id);
      send(200, soap('<wsnt:UnsubscribeResponse/>'));
      this.#wake();
    } else if (operation === 'Renew' && this.faults.withoutRenew !== true) {
      this.renewed += 1;
      subscription.expiresAt = this.#until(childText(message, 'Body', 'Renew', 'TerminationTime'));
      send(200, soap(`<wsnt:RenewResponse>${this.#times(subscription)}</wsnt:RenewResponse>`));
    } else send(400, fault('ter:ActionNotSupported', 'Optional Action Not Implemented'));
  }

  #create(message: XmlElement, send: (status: number, xml: string) => void): void {
    const wish = childText(message, 'Body', 'CreatePullPointSubscription', 'InitialTerminationTime') ?? '';
    if (this.faults.full) {
      send(500, fault('wsnt:SubscribeCreationFailedFault', 'Maximum number of PullPoints reached'));
      return;
    }
    if (this.faults.absoluteOnly && wish.startsWith('P')) {
      send(400, fault('wsnt:UnacceptableInitialTerminationTimeFault', 'Unacceptable time'));
      return;
    }
    this.created += 1;
    const subscription: Subscription = { id: this.created, expiresAt: this.#until(wish), waiting: [], pull: undefined };
    this.#subscriptions.set(subscription.id, subscription);
    const address = `<wsa5:Address>${this.address.replace('{id}', String(subscription.id))}</wsa5:Address>`;
    const parameters = this.reference?.replace('{id}', String(subscription.id));
    const reference = parameters === undefined ? '' : `<wsa5:ReferenceParameters>${parameters}</wsa5:ReferenceParameters>`;
    send(
      200,
      soap(
        `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>${address}${reference}</tev:SubscriptionReference>` +
          `${this.#times(subscription)}</tev:CreatePullPointSubscriptionResponse>`,
      ),
    );
    this.#wake();
  }

  #pull(subscription: Subscription, message: XmlElement, request: IncomingMessage, send: (status: number, xml: string) => void): void {
    this.pulled += 1;
    const { silent, drop, garbage, impatient, renewOnly } = this.faults;
    const timeout = Number(/^PT(\d+)S$/.exec(childText(message, 'Body', 'PullMessages', 'Timeout') ?? '')?.[1]) * 1000;
    if (drop) {
      request.socket.destroy();
      return;
    }
    if (garbage !== undefined) {
      send(200, garbage);
      return;
    }
    if (subscription.pull !== undefined) {
      send(400, fault('tev:UnableToGetMessagesFault', 'A pull is under way'));
      return;
    }
    const end = (messages: string[]) => {
      clearTimeout(timer);
      request.socket.off('close', onClose);
      subscription.pull = undefined;
      if (!this.#subscriptions.has(subscription.id)) {
        send(400, fault('wsrf-rw:ResourceUnknownFault', 'The resource is unknown'));
        return;
      }
      if (renewOnly !== true) subscription.expiresAt = Math.max(subscription.expiresAt, this.now() + timeout);
      send(200, soap(`<tev:PullMessagesResponse>${this.#times(subscription, 'tev')}${messages.join('')}</tev:PullMessagesResponse>`));
    };
    const timer = setTimeout(() => {
      if (!silent) end([]);
    }, timeout);
    timer.unref();
    subscription.pull = end;
    if (this.faults.chatter !== undefined) subscription.waiting.push(this.#xml(this.faults.chatter));
    const onClose = () => {
      clearTimeout(timer);
      if (subscription.pull === end) subscription.pull = undefined;
    };
    request.socket.once('close', onClose);
    if (!silent && (subscription.waiting.length > 0 || impatient)) end(subscription.waiting.splice(0));
    this.#wake();
  }

  #until(wish = ''): number {
    const seconds = /^PT(\d+)S$/.exec(wish)?.[1];
    return seconds === undefined ? Date.parse(wish) : this.now() + Number(seconds) * 1000;
  }

  #times({ expiresAt }: Subscription, prefix = 'wsnt'): string {
    if (this.faults.withoutTimes) return '';
    const text = (time: number) => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
    return `<${prefix}:CurrentTime>${text(this.now())}</${prefix}:CurrentTime><${prefix}:TerminationTime>${text(expiresAt)}</${prefix}:TerminationTime>`;
  }

  #xml({ topic, operation, source = {}, key = {}, data = {}, at, xml }: SimulatedNotification): string {
    if (xml !== undefined) return xml;
    const items = (name: string, values: Record<string, string>) => {
      const all = Object.entries(values).map(([item, value]) => `<tt:SimpleItem Name="${item}" Value="${value}"/>`);
      return all.length === 0 ? '' : `<tt:${name}>${all.join('')}</tt:${name}>`;
    };
    const property = operation === undefined ? '' : ` PropertyOperation="${operation}"`;
    return (
      '<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">\n' +
      `  ${topic}\n</wsnt:Topic><wsnt:Message><tt:Message UtcTime="${new Date(at ?? this.now()).toISOString()}"${property}>` +
      `${items('Source', source)}${items('Key', key)}${items('Data', data)}</tt:Message></wsnt:Message></wsnt:NotificationMessage>`
    );
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      const before = this.#wake;
      this.#wake = () => {
        this.#wake = () => undefined;
        before();
        resolve();
      };
    });
  }
}

/** A topic in the form of a TopicSet: an element for each step. */
function topicXml(topic: string): string {
  const steps = topic.split('/');
  const leaf = steps.pop() ?? '';
  const description =
    '<tt:MessageDescription IsProperty="true"><tt:Data><tt:SimpleItemDescription Name="State"/></tt:Data></tt:MessageDescription>';
  return steps.reduceRight((inner, step) => `<${step}>${inner}</${step}>`, `<${leaf} wstop:topic="true">${description}</${leaf}>`);
}
