import { deviceWords } from '../core/text.ts';
import { EVENT_TYPES, type EventType } from '../events/vocabulary.ts';
import { bridgeTopic, deviceTopic, discoveryId, type Topics } from './ids.ts';

/** What is known of a camera or an e-mail account, as far as Home Assistant shows it. */
export interface AnnouncedDevice {
  id: string;
  kind: 'camera' | 'account';
  name: string;
  manufacturer?: string | undefined;
  model?: string | undefined;
  firmware?: string | undefined;
  serial?: string | undefined;
  configurationUrl?: string | undefined;
  /** Component ids, in the order in which they were first seen. */
  features: readonly string[];
}

/** A discovery component in Home Assistant's abbreviated keys; `p` is its platform. */
export type Component = { p: string } & Record<string, unknown>;

export interface Origin {
  name: string;
  sw: string;
  url: string;
}

/** Shown by every camera: whether its mail works, and since when that is known. */
export const MAIL_FEATURES = ['problem', 'last_mail'] as const;
/** Only for cameras that this Node-RED can reach by name. */
export const COMMAND_FEATURES = ['test', 'verify', 'alerts'] as const;

const EVENTS: Readonly<Record<EventType, { name: string; dev_cla?: string; ic?: string; ent_cat?: string }>> = {
  motion: { name: 'Motion', dev_cla: 'motion' },
  person: { name: 'Person', dev_cla: 'motion', ic: 'mdi:account' },
  vehicle: { name: 'Vehicle', dev_cla: 'motion', ic: 'mdi:car' },
  animal: { name: 'Animal', dev_cla: 'motion', ic: 'mdi:paw' },
  package: { name: 'Package', dev_cla: 'occupancy', ic: 'mdi:package-variant-closed' },
  face: { name: 'Face', dev_cla: 'motion', ic: 'mdi:face-recognition' },
  'line-crossing': { name: 'Line crossing', dev_cla: 'motion' },
  intrusion: { name: 'Intrusion', dev_cla: 'motion' },
  'region-entrance': { name: 'Region entrance', dev_cla: 'motion' },
  'region-exit': { name: 'Region exit', dev_cla: 'motion' },
  loitering: { name: 'Loitering', dev_cla: 'motion' },
  'object-left': { name: 'Object left', dev_cla: 'motion' },
  'object-removed': { name: 'Object removed', dev_cla: 'motion' },
  tamper: { name: 'Tampering', dev_cla: 'tamper' },
  'scene-change': { name: 'Scene change', dev_cla: 'tamper' },
  audio: { name: 'Sound', dev_cla: 'sound' },
  'alarm-input': { name: 'Alarm input' },
  doorbell: { name: 'Doorbell', ic: 'mdi:doorbell' },
  'video-loss': { name: 'Video loss', dev_cla: 'problem', ent_cat: 'diagnostic' },
  storage: { name: 'Storage', dev_cla: 'problem', ent_cat: 'diagnostic' },
  network: { name: 'Network', dev_cla: 'problem', ent_cat: 'diagnostic' },
  access: { name: 'Refused login', dev_cla: 'safety', ent_cat: 'diagnostic' },
  other: { name: 'Other event' },
};

/** The component of an event type or of pictures; channels beyond the first have components of their own. */
export function featureOf(what: EventType | 'snapshot', channel: number): string {
  return channel > 1 ? `${what}_ch${channel}` : what;
}

/** True for a binary sensor that an event turns on and off. */
export function isEventFeature(feature: string): boolean {
  return Object.hasOwn(EVENTS, split(feature).what);
}

/** The payload of `<prefix>/device/<id>/config`. Published with retain, it creates the device and replaces what was said before. */
export function discovery(topics: Topics, device: AnnouncedDevice, origin: Origin): Record<string, unknown> {
  const { id, kind, manufacturer, model, firmware, serial, configurationUrl } = device;
  const components = device.features.map((feature) => [feature, component(topics, id, feature)] as const);
  return {
    dev: {
      ids: [discoveryId(topics, id)],
      name: deviceWords(device.name, 80) || id,
      ...text('mf', manufacturer),
      ...text('mdl', model ?? (kind === 'account' ? 'E-mail account' : undefined)),
      ...text('sw', firmware),
      ...text('sn', serial),
      ...(configurationUrl === undefined ? {} : { cu: configurationUrl }),
    },
    o: origin,
    avty: [{ t: bridgeTopic(topics) }],
    avty_mode: 'all',
    qos: 1,
    cmps: Object.fromEntries(components),
  };
}

function component(topics: Topics, id: string, feature: string): Component {
  const topic = deviceTopic(topics, id, feature);
  const common = { uniq_id: `${discoveryId(topics, id)}_${feature}` };
  // These are worth nothing while the camera is away; the others tell that it is, or work without it.
  const seen = { avty: [{ t: bridgeTopic(topics) }, { t: deviceTopic(topics, id, 'availability') }], avty_mode: 'all' };
  const { what, suffix } = split(feature);
  const event = Object.hasOwn(EVENTS, what) ? EVENTS[what as EventType] : undefined;
  if (event !== undefined) return { p: 'binary_sensor', ...common, ...event, name: `${event.name}${suffix}`, stat_t: topic, ...seen };
  switch (what) {
    case 'event':
      return { p: 'event', ...common, name: 'Event', ic: 'mdi:cctv', stat_t: topic, evt_typ: [...EVENT_TYPES], ...seen };
    case 'snapshot':
      // Not `seen`: the last picture is worth the most when the camera is gone.
      return { p: 'image', ...common, name: `Last picture${suffix}`, img_t: topic, cont_type: 'image/jpeg' };
    case 'connection':
      return { p: 'binary_sensor', ...common, name: 'Connection', dev_cla: 'connectivity', ent_cat: 'diagnostic', stat_t: topic };
    case 'problem':
      return {
        p: 'binary_sensor',
        ...common,
        name: 'E-mail problem',
        dev_cla: 'problem',
        ent_cat: 'diagnostic',
        stat_t: topic,
        json_attr_t: `${topic}/attributes`,
      };
    case 'last_mail':
      return { p: 'sensor', ...common, name: 'Last proven e-mail', dev_cla: 'timestamp', ent_cat: 'diagnostic', stat_t: topic };
    case 'queue':
      return sensor({ ...common, name: 'Waiting e-mails', ic: 'mdi:email-fast-outline', stat_t: topic });
    case 'budget':
      return sensor({ ...common, name: 'E-mails left today', ic: 'mdi:email-check-outline', stat_t: topic });
    case 'test':
      return { p: 'button', ...common, name: 'Send test e-mail', ent_cat: 'diagnostic', ic: 'mdi:email-seal', cmd_t: `${topic}/set` };
    case 'verify':
      return { p: 'button', ...common, name: 'Check settings', ent_cat: 'diagnostic', ic: 'mdi:email-search', cmd_t: `${topic}/set` };
    case 'alerts':
      return { p: 'switch', ...common, name: 'E-mail alerts', ic: 'mdi:email-alert', stat_t: topic, cmd_t: `${topic}/set` };
    default:
      throw new RangeError(`no component ${feature}`);
  }
}

function sensor(config: Record<string, unknown>): Component {
  return { p: 'sensor', ...config, ent_cat: 'diagnostic', stat_cla: 'measurement', unit_of_meas: 'mails' };
}

export function isFeature(feature: unknown): feature is string {
  if (typeof feature !== 'string') return false;
  const { what } = split(feature);
  return (
    Object.hasOwn(EVENTS, what) ||
    ['event', 'snapshot', 'connection', 'queue', 'budget', ...MAIL_FEATURES, ...COMMAND_FEATURES].includes(what)
  );
}

function split(feature: string): { what: string; suffix: string } {
  const match = /^(.+)_ch(\d+)$/.exec(feature);
  return match === null ? { what: feature, suffix: '' } : { what: match[1] ?? '', suffix: ` ${match[2]}` };
}

function text(key: string, value: string | undefined): Record<string, string> {
  const words = deviceWords(value ?? '', 120);
  return words === '' ? {} : { [key]: words };
}
