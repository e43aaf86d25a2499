import assert from 'node:assert/strict';

/**
 * What Home Assistant's documentation of MQTT discovery and of each platform allows, as a check that is stricter than Home Assistant
 * itself, which ignores keys that it does not know. Sources: home-assistant.io/integrations/mqtt, /binary_sensor.mqtt, /sensor.mqtt,
 * /event.mqtt, /image.mqtt, /button.mqtt, /switch.mqtt and the device classes of those platforms.
 */
const ABBREVIATIONS: Record<string, string> = {
  avty: 'availability',
  avty_mode: 'availability_mode',
  avty_t: 'availability_topic',
  avty_tpl: 'availability_template',
  cmd_t: 'command_topic',
  cmd_tpl: 'command_template',
  cmps: 'components',
  cont_type: 'content_type',
  def_ent_id: 'default_entity_id',
  dev: 'device',
  dev_cla: 'device_class',
  e: 'encoding',
  en: 'enabled_by_default',
  ent_cat: 'entity_category',
  ent_pic: 'entity_picture',
  evt_typ: 'event_types',
  exp_aft: 'expire_after',
  frc_upd: 'force_update',
  ic: 'icon',
  img_e: 'image_encoding',
  img_t: 'image_topic',
  json_attr_t: 'json_attributes_topic',
  json_attr_tpl: 'json_attributes_template',
  lrst_val_tpl: 'last_reset_value_template',
  o: 'origin',
  off_dly: 'off_delay',
  ops: 'options',
  opt: 'optimistic',
  p: 'platform',
  pl_avail: 'payload_available',
  pl_not_avail: 'payload_not_available',
  pl_off: 'payload_off',
  pl_on: 'payload_on',
  pl_prs: 'payload_press',
  ret: 'retain',
  stat_cla: 'state_class',
  stat_off: 'state_off',
  stat_on: 'state_on',
  stat_t: 'state_topic',
  sug_dsp_prc: 'suggested_display_precision',
  t: 'topic',
  uniq_id: 'unique_id',
  unit_of_meas: 'unit_of_measurement',
  url_t: 'url_topic',
  url_tpl: 'url_template',
  val_tpl: 'value_template',
};
const DEVICE_ABBREVIATIONS: Record<string, string> = {
  cu: 'configuration_url',
  cns: 'connections',
  ids: 'identifiers',
  mf: 'manufacturer',
  mdl: 'model',
  mdl_id: 'model_id',
  hw: 'hw_version',
  sw: 'sw_version',
  sa: 'suggested_area',
  sn: 'serial_number',
};
const ORIGIN_ABBREVIATIONS: Record<string, string> = { sw: 'sw_version', url: 'support_url' };

const words = (text: string) => text.trim().split(/\s+/);
const ROOT = words('device origin components availability availability_mode availability_topic state_topic command_topic qos encoding');
const DEVICE = words('name via_device').concat(Object.values(DEVICE_ABBREVIATIONS));
const COMMON = words(`availability availability_mode availability_template availability_topic default_entity_id enabled_by_default
  encoding entity_category entity_picture icon json_attributes_template json_attributes_topic name payload_available
  payload_not_available platform qos unique_id`);

interface Platform {
  required: string[];
  allowed: string[];
  categories: string[];
  classes: string[];
}

const PLATFORMS: Record<string, Platform> = {
  binary_sensor: {
    required: ['state_topic'],
    allowed: words('device_class expire_after force_update off_delay payload_off payload_on state_topic value_template'),
    categories: ['diagnostic'],
    classes: words(`battery battery_charging carbon_monoxide cold connectivity door garage_door gas heat light lock moisture motion moving
      occupancy opening plug power presence problem running safety smoke sound tamper update vibration window`),
  },
  sensor: {
    required: ['state_topic'],
    allowed: words(`device_class expire_after force_update last_reset_value_template options suggested_display_precision state_class
      state_topic unit_of_measurement value_template`),
    categories: ['diagnostic'],
    classes: words('timestamp date enum duration data_size temperature'),
  },
  event: {
    required: ['state_topic', 'event_types'],
    allowed: words('device_class event_types state_topic value_template'),
    categories: ['diagnostic'],
    classes: words('button doorbell motion'),
  },
  image: {
    required: ['image_topic'],
    allowed: words('content_type image_encoding image_topic url_template url_topic'),
    categories: ['diagnostic'],
    classes: [],
  },
  button: {
    required: ['command_topic'],
    allowed: words('command_template command_topic device_class payload_press retain'),
    categories: ['config', 'diagnostic'],
    classes: words('identify restart update'),
  },
  switch: {
    required: ['command_topic'],
    allowed: words(`command_template command_topic device_class optimistic payload_off payload_on retain state_off state_on state_topic
      value_template`),
    categories: ['config', 'diagnostic'],
    classes: words('outlet switch'),
  },
};

type Fields = Record<string, unknown>;

/** A component as Home Assistant reads it: full keys, with the shared options of the root where it has none of its own. */
export interface ReadComponent extends Fields {
  platform: string;
  unique_id: string;
}

/** Reads and checks one discovery message; the components by their ids. */
export function readDiscovery(topic: string, payload: string | Buffer): { device: Fields; components: Map<string, ReadComponent> } {
  assert.match(topic, /^[^+#\s]+\/device\/[a-zA-Z0-9_-]+\/config$/);
  assert.ok(Buffer.byteLength(payload) <= 64 * 1024, `${Buffer.byteLength(payload)} bytes of discovery`);
  const root = expand(JSON.parse(String(payload)), ABBREVIATIONS);
  onlyKeys('the root', root, ROOT);
  const device = expand(fields(root.device), DEVICE_ABBREVIATIONS);
  const origin = expand(fields(root.origin), ORIGIN_ABBREVIATIONS);
  checkDevice(device);
  onlyKeys('origin', origin, ['name', 'sw_version', 'support_url']);
  assert.ok(isText(origin.name), 'the origin needs a name');
  if (origin.support_url !== undefined) assert.match(String(origin.support_url), /^https?:\/\//);
  const components = new Map<string, ReadComponent>();
  for (const [id, config] of Object.entries(fields(root.components))) {
    assert.match(id, /^[a-zA-Z0-9_-]+$/);
    const component = expand(fields(config), ABBREVIATIONS);
    const own = Object.keys(component).filter((key) => key !== 'platform' && key !== 'unique_id');
    assert.ok(own.length > 0, `${id} has nothing of its own`);
    const { availability, availability_mode, qos } = root;
    const inherited = component.availability === undefined ? { availability, availability_mode } : {};
    components.set(id, checkComponent(id, { qos, ...inherited, ...component }));
  }
  assert.ok(components.size > 0, 'no components');
  return { device, components };
}

function checkDevice(device: Fields): void {
  onlyKeys('device', device, DEVICE);
  const identifiers = [device.identifiers].flat().filter(isText);
  assert.ok(identifiers.length > 0, 'a device needs identifiers');
  for (const key of ['name', 'manufacturer', 'model', 'sw_version', 'serial_number']) {
    if (device[key] !== undefined) assert.ok(isText(device[key]), key);
  }
  const url = device.configuration_url;
  if (url !== undefined) assert.match(new URL(String(url)).protocol, /^https?:$/);
}

function checkComponent(id: string, config: Fields): ReadComponent {
  const platform = PLATFORMS[String(config.platform)];
  assert.ok(platform !== undefined, `${id}: platform ${config.platform}`);
  onlyKeys(id, config, [...COMMON, ...platform.allowed]);
  for (const key of platform.required) assert.ok(config[key] !== undefined, `${id} needs ${key}`);
  assert.match(String(config.unique_id), /^[a-zA-Z0-9_-]+$/);
  assert.ok(isText(config.name), `${id} has no name`);
  assert.ok(config.qos === undefined || [0, 1, 2].includes(config.qos as number));
  if (config.entity_category !== undefined) assert.ok(platform.categories.includes(String(config.entity_category)), `${id}: category`);
  if (config.device_class !== undefined) assert.ok(platform.classes.includes(String(config.device_class)), `${id}: ${config.device_class}`);
  if (config.icon !== undefined) assert.match(String(config.icon), /^mdi:[a-z0-9-]+$/);
  if (config.device_class === 'timestamp') assert.ok(config.unit_of_measurement === undefined && config.state_class === undefined);
  if (config.state_class !== undefined) assert.ok(['measurement', 'total', 'total_increasing'].includes(String(config.state_class)));
  if (config.platform === 'event') checkEventTypes(config.event_types);
  if (config.platform === 'image') assert.ok(config.url_topic === undefined, 'image_topic and url_topic exclude each other');
  for (const [key, value] of Object.entries(config)) if (key.endsWith('_topic')) checkTopic(String(value));
  checkAvailability(id, config);
  return config as ReadComponent;
}

function checkEventTypes(types: unknown): void {
  assert.ok(Array.isArray(types) && types.length > 0 && types.every(isText));
  assert.equal(new Set(types).size, types.length);
}

function checkAvailability(id: string, config: Fields): void {
  const { availability, availability_mode: mode } = config;
  assert.ok(config.availability_topic === undefined || availability === undefined, `${id}: both forms of availability`);
  assert.ok(Array.isArray(availability) && availability.length > 0, `${id} has no availability`);
  for (const entry of availability) {
    const one = expand(fields(entry), ABBREVIATIONS);
    onlyKeys(`${id}: availability`, one, ['topic', 'payload_available', 'payload_not_available', 'value_template']);
    checkTopic(String(one.topic));
  }
  assert.equal(mode, 'all', `${id}: availability_mode`);
}

export function checkTopic(topic: string): void {
  assert.ok(topic !== '' && Buffer.byteLength(topic) <= 65_535 && !/[+#\u0000]/.test(topic), `topic ${topic}`);
  assert.match(topic, /^[\p{L}\p{N}_.-]+(?:\/[\p{L}\p{N}_.-]+)*$/u);
}

function expand(from: Fields, abbreviations: Record<string, string>): Fields {
  const expanded: Fields = {};
  for (const [key, value] of Object.entries(from)) {
    const full = abbreviations[key] ?? key;
    assert.ok(!(full in expanded), `${full} is there twice`);
    expanded[full] = value;
  }
  return expanded;
}

function onlyKeys(what: string, from: Fields, allowed: readonly string[]): void {
  assert.deepEqual(
    Object.keys(from).filter((key) => !allowed.includes(key)),
    [],
    `${what} has keys that are not documented`,
  );
}

function fields(value: unknown): Fields {
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `not a map: ${JSON.stringify(value)}`);
  return value as Fields;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
