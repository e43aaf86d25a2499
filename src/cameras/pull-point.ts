import { randomUUID } from 'node:crypto';
import { CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { abortError } from '../core/lane.ts';
import { LIMITS } from '../core/limits.ts';
import type { Occurrence, RawEvent } from '../events/source.ts';
import { child, children, childText, escapeXml, type XmlDocument, type XmlElement } from '../http/xml.ts';
import type { Warning } from './driver.ts';
import { type OnvifDevice, pathOf, type SoapAnswer } from './onvif-device.ts';
import { channelsByToken } from './onvif-media.ts';
import { timeOf } from './onvif-soap.ts';
import { isOfDetection, type Notification, notificationFrom, readNotification, topicsIn } from './onvif-topics.ts';

const EVENTS = 'http://www.onvif.org/ver10/events/wsdl';
const NOTIFICATION = 'http://docs.oasis-open.org/wsn/b-2';
const MANAGER_ACTION = 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager';
const ADDRESSING = 'http://www.w3.org/2005/08/addressing';
const { subscriptionMs, pullMs, pullPauseMs, pullRestMs, replayMs } = LIMITS.events;
/** A lifetime beyond this means that the device took a duration for something else. */
const LONGEST_MS = 24 * 3_600_000;
const MESSAGES = 100;

export type NotificationReader = (notification: Notification, channels: ReadonlyMap<string, number>) => Occurrence;

interface PullSource {
  /** Where the events are served; undefined: where the device says. */
  path?: string | undefined;
  read?: NotificationReader;
}

/**
 * One subscription's worth of events: created, pulled, renewed, and given back at the end. Rejects as OnvifDevice does; with
 * `connection-lost` when the device has dropped the subscription.
 */
export async function* pullEvents(
  device: OnvifDevice,
  { path, read = readNotification }: PullSource,
  signal: AbortSignal,
): AsyncGenerator<RawEvent, void, undefined> {
  const services = path === undefined ? await servicesOf(device, signal) : new Map<string, string>();
  const served = path ?? services.get(EVENTS);
  if (served === undefined) throw notServed(device, 'no event service');
  const channels = await channelsByToken(device, services, signal);
  const point = await PullPoint.create(device, served, signal);
  let gone = false;
  try {
    yield { kind: 'open' };
    await point.synchronize(signal);
    for (;;) {
      await point.keepAlive(signal);
      const { now, notifications } = await point.pull(signal);
      yield { kind: 'heartbeat', at: now };
      for (const notification of notifications) {
        const occurrence = timed(read(notification, channels), notification, now);
        // A value at the subscription that is no state: nothing has happened.
        if (occurrence.initial !== true || occurrence.state !== 'pulse') yield occurrence;
      }
    }
  } catch (error) {
    gone = isCameraEmailError(error, 'unreachable', 'timeout');
    throw error;
  } finally {
    if (!gone) await point.unsubscribe();
  }
}

/**
 * Why a device that has been subscribed to may have nothing to tell: none of the topics that it offers is a detection. Rejects as
 * OnvifDevice does.
 */
export async function topicWarnings(device: OnvifDevice, signal: AbortSignal): Promise<Warning[]> {
  const path = (await device.services(signal)).get(EVENTS);
  if (path === undefined) return [];
  const action = `${EVENTS}/EventPortType/GetEventPropertiesRequest`;
  const call = { path, namespace: EVENTS, operation: 'GetEventProperties', action, header: addressing(action, '') };
  const topics = topicsIn(child((await device.call(call, signal)).response, 'TopicSet'));
  const warnings: Warning[] = topics.length > 0 && !topics.some(isOfDetection) ? [{ code: 'no-detection' }] : [];
  return warnings;
}

async function servicesOf(device: OnvifDevice, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  try {
    // Tells a wrong login from a user without the right to subscribe.
    await device.deviceInformation(signal);
    return await device.services(signal);
  } catch (error) {
    if (isCameraEmailError(error, 'unsupported', 'unreadable')) throw notServed(device, 'no answer by ONVIF', error);
    throw error;
  }
}

/** Most often ONVIF is switched off. */
function notServed({ http: { host } }: OnvifDevice, what: string, cause?: CameraEmailError): CameraEmailError {
  const says = cause?.deviceSays === undefined ? {} : { deviceSays: cause.deviceSays };
  return new CameraEmailError('unsupported', `${host}: ${what}`, { params: { host, field: 'onvif' }, ...says, cause });
}

/** States at the subscription may be hours old; stamps by another clock than the one that the device tells are of no use. */
function timed(occurrence: Occurrence, { at, operation }: Notification, now: number): Occurrence {
  if (operation === 'Initialized') return { ...occurrence, initial: true };
  return at === undefined || Math.abs(at - now) > replayMs ? occurrence : { ...occurrence, at };
}

class PullPoint {
  readonly #device: OnvifDevice;
  /** The address as the device wrote it, and where it is asked for. */
  readonly #address: string;
  readonly #path: string;
  /** Header blocks that the device wants back with every request (Axis: SubscriptionId). */
  readonly #reference: string;
  /** By our clock. */
  #expiresAt = 0;
  readonly #lifetimeMs: number;
  /** The device takes durations for something else. */
  #absolute: boolean;
  #renewable = true;
  /** Before the next pull, ms. */
  #pauseMs = 0;

  private constructor(device: OnvifDevice, path: string, absolute: boolean, { document, response }: SoapAnswer) {
    this.#device = device;
    this.#absolute = absolute;
    const reference = child(response, 'SubscriptionReference');
    this.#address = childText(reference, 'Address') ?? '';
    this.#path = pathOf(this.#address) ?? path;
    this.#reference = children(reference, 'ReferenceParameters')
      .flatMap((parameters) => parameters.children)
      .map((parameter) => referenceBlock(document, parameter))
      .join('');
    const told = lifetimeIn(response);
    if (told === 'absurd') this.#absolute = true;
    this.#lifetimeMs = typeof told === 'number' ? told : subscriptionMs;
    this.#expiresAt = device.clock.now() + this.#lifetimeMs;
  }

  /** Durations first; devices that refuse those get a time by their own clock. */
  static async create(device: OnvifDevice, path: string, signal: AbortSignal): Promise<PullPoint> {
    const attempt = (absolute: boolean) =>
      device.call(
        {
          path,
          namespace: EVENTS,
          operation: 'CreatePullPointSubscription',
          content: `<InitialTerminationTime>${termination(device, absolute)}</InitialTerminationTime>`,
          action: `${EVENTS}/EventPortType/CreatePullPointSubscriptionRequest`,
          header: addressing(`${EVENTS}/EventPortType/CreatePullPointSubscriptionRequest`, ''),
        },
        signal,
      );
    try {
      return new PullPoint(device, path, false, await attempt(false));
    } catch (error) {
      if (!isCameraEmailError(error, 'rejected')) throw error;
      if (/max\w* ?(number|pull|subscri)|too many|no (free|more) /i.test(error.deviceSays ?? '')) throw busy(error);
    }
    return new PullPoint(device, path, true, await attempt(true));
  }

  /** Asks for the present states. What the device answers does not matter. */
  async synchronize(signal: AbortSignal): Promise<void> {
    const action = `${EVENTS}/PullPointSubscription/SetSynchronizationPointRequest`;
    await tolerate(() => this.#call(EVENTS, 'SetSynchronizationPoint', '', action, signal));
  }

  /** Renews when the next pull could outlive the subscription. A device without Renew prolongs it with each pull. */
  async keepAlive(signal: AbortSignal): Promise<void> {
    const { clock } = this.#device;
    if (!this.#renewable || this.#expiresAt - clock.now() > this.#heldMs + this.#lifetimeMs / 5) return;
    const content = `<TerminationTime>${termination(this.#device, this.#absolute)}</TerminationTime>`;
    const renewed = await tolerate(() => this.#call(NOTIFICATION, 'Renew', content, `${MANAGER_ACTION}/RenewRequest`, signal));
    if (renewed === undefined) this.#renewable = false;
    else this.#prolong(renewed.response, this.#lifetimeMs);
  }

  /** What has happened; waits for something to happen. `now` is the device's time, epoch ms. */
  async pull(signal: AbortSignal): Promise<{ now: number; notifications: Notification[] }> {
    const { clock, http } = this.#device;
    if (this.#pauseMs > 0) await this.#pause(this.#pauseMs, signal);
    const asked = clock.now();
    const held = this.#heldMs;
    const content = `<Timeout>PT${Math.max(1, Math.round(held / 1000))}S</Timeout><MessageLimit>${MESSAGES}</MessageLimit>`;
    const action = `${EVENTS}/PullPointSubscription/PullMessagesRequest`;
    const ask = () => this.#call(EVENTS, 'PullMessages', content, action, signal, held);
    let response: XmlElement;
    try {
      // The kept connection may have been closed since the last pull. One that breaks later may have cost messages.
      const again = (error: unknown) => {
        if (!isCameraEmailError(error, 'connection-lost') || clock.now() - asked >= pullPauseMs) throw error;
        return ask();
      };
      ({ response } = await ask().catch(again));
    } catch (error) {
      if (!isCameraEmailError(error, 'rejected', 'unsupported')) throw error;
      const details = { params: { host: http.host }, deviceSays: error.deviceSays ?? '' };
      throw new CameraEmailError('connection-lost', `${http.host}: the device dropped the subscription`, details);
    }
    if (response.name !== 'PullMessagesResponse') throw new CameraEmailError('unreadable', `PullMessages: answered by <${response.name}>`);
    this.#prolong(response, undefined);
    const messages = children(response, 'NotificationMessage');
    const early = clock.now() - asked < pullPauseMs;
    this.#pauseMs = early ? (messages.length === 0 ? pullPauseMs : pullRestMs) : 0;
    const now = timeOf(childText(response, 'CurrentTime')) ?? this.#device.deviceTime;
    return { now, notifications: messages.map(notificationFrom).filter((one) => one !== undefined) };
  }

  /** Gives the device its place back. Never rejects. */
  async unsubscribe(): Promise<void> {
    const signal = AbortSignal.timeout(LIMITS.device.logoutMs);
    await this.#call(NOTIFICATION, 'Unsubscribe', '', `${MANAGER_ACTION}/UnsubscribeRequest`, signal).catch(() => undefined);
  }

  /** Short-lived subscriptions must not end in the middle of a pull. */
  get #heldMs(): number {
    return Math.min(pullMs, Math.max(1_000, this.#lifetimeMs * 0.4));
  }

  #prolong(response: XmlElement, fallback: number | undefined): void {
    const told = lifetimeIn(response);
    const lifetime = typeof told === 'number' ? told : fallback;
    if (lifetime !== undefined) this.#expiresAt = this.#device.clock.now() + lifetime;
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    await this.#device.clock.sleep(ms, signal).catch(() => {
      throw abortError(signal);
    });
  }

  #call(namespace: string, operation: string, content: string, action: string, signal: AbortSignal, heldMs?: number): Promise<SoapAnswer> {
    const header = addressing(action, this.#address) + this.#reference;
    const held = heldMs === undefined ? {} : { heldMs };
    return this.#device.call({ path: this.#path, namespace, operation, content, action, header, ...held }, signal);
  }
}

function termination(device: OnvifDevice, absolute: boolean): string {
  return absolute ? new Date(device.deviceTime + subscriptionMs).toISOString().replace(/\.\d+Z$/, 'Z') : `PT${subscriptionMs / 1000}S`;
}

/** Ms between the two times of an answer; undefined when one is missing. */
function lifetimeIn(response: XmlElement): number | 'absurd' | undefined {
  const now = timeOf(childText(response, 'CurrentTime'));
  const end = timeOf(childText(response, 'TerminationTime'));
  if (now === undefined || end === undefined) return undefined;
  return end > now && end - now <= LONGEST_MS ? end - now : 'absurd';
}

function addressing(action: string, to: string): string {
  const block = (name: string, text: string) => `<a:${name} xmlns:a="${ADDRESSING}">${escapeXml(text)}</a:${name}>`;
  return block('Action', action) + block('MessageID', `urn:uuid:${randomUUID()}`) + (to === '' ? '' : block('To', to));
}

/** A reference parameter as a header block: the device's own words, with the prefixes bound that are declared further out. */
function referenceBlock(document: XmlDocument, parameter: XmlElement): string {
  const source = Buffer.from(document.sourceOf(parameter), 'latin1').toString('utf8');
  const bound = new Map<string, string>();
  const collect = (element: XmlElement) => {
    if (element.start > parameter.start || element.end < parameter.end) return;
    for (const [name, value] of Object.entries(element.attributes)) if (/^xmlns(:|$)/.test(name)) bound.set(name, value);
    element.children.forEach(collect);
  };
  collect(document.root);
  for (const name of Object.keys(parameter.attributes)) bound.delete(name);
  const attributes = [...bound].map(([name, value]) => ` ${name}="${escapeXml(value).replaceAll('"', '&quot;')}"`).join('');
  const mark = source.includes('IsReferenceParameter') ? '' : ` xmlns:refp="${ADDRESSING}" refp:IsReferenceParameter="true"`;
  return source.replace(/^<[^\s/>]+/, (open) => open + attributes + mark);
}

function busy(error: CameraEmailError): CameraEmailError {
  return new CameraEmailError('busy', 'all places for subscribers are taken', { deviceSays: error.deviceSays ?? '', cause: error });
}

async function tolerate(work: () => Promise<SoapAnswer>): Promise<SoapAnswer | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isCameraEmailError(error, 'unsupported', 'rejected', 'forbidden', 'unreadable', 'busy')) return undefined;
    throw error;
  }
}
