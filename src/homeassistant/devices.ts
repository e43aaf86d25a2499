import { type AnnouncedDevice, isEventFeature, isFeature } from './discovery.ts';
import type { CameraKeys } from './ids.ts';
import type { CameraRef } from './observations.ts';

/** What the camera-device node and the camera itself tell beyond a message. */
export interface KnownCamera {
  nodeId: string;
  name: string;
  /** From 1. */
  channel: number;
  /** The device's own web page. */
  url?: string | undefined;
  brand?: string | undefined;
  model?: string | undefined;
  firmware?: string | undefined;
  serial?: string | undefined;
  mac?: string | undefined;
}

export interface Device extends AnnouncedDevice {
  features: string[];
  nodeId?: string | undefined;
  mac?: string | undefined;
  channel?: number | undefined;
  /** The last payload of each retained state, by the topic's end. */
  states: Map<string, string>;
  /** The last test mail was not found; nothing but a new test or a new set-up ends this problem. */
  testFailed: boolean;
  /** Sensors that are on for an event without an end. */
  pulses: Set<string>;
  announced: boolean;
  identityChanged: boolean;
}

/** A device as it outlives a restart. What a camera sees right now is not in it. */
export type StoredDevice = Omit<Device, 'states' | 'pulses' | 'announced' | 'identityChanged'> & { states: Record<string, string> };

export type Place = CameraKeys & Pick<Device, 'manufacturer' | 'model' | 'firmware' | 'configurationUrl'>;

const LASTING = ['problem', 'problem/attributes', 'last_mail', 'alerts', 'queue', 'budget'];
const TEXTS = ['manufacturer', 'model', 'firmware', 'serial', 'mac', 'configurationUrl', 'nodeId'] as const;

/** All that is known of a camera: the camera itself before its node, both before the message, and before what was known earlier. */
export function placeOf(ref: CameraRef, known: KnownCamera | undefined, before: Device | undefined): Place {
  const vendor = ref.vendor === 'auto' ? undefined : ref.vendor;
  return {
    serial: known?.serial || ref.serial || before?.serial,
    mac: known?.mac || before?.mac,
    nodeId: known?.nodeId ?? before?.nodeId,
    name: known?.name || ref.name,
    channel: known?.channel ?? before?.channel,
    manufacturer: known?.brand || before?.manufacturer || vendor,
    // Results are younger than what was asked at the start.
    model: ref.model || known?.model || before?.model,
    firmware: ref.firmware || known?.firmware || before?.firmware,
    configurationUrl: known?.url ?? before?.configurationUrl,
  };
}

/** Takes the facts over, and notes whether Home Assistant has to be told. */
export function updated(device: Device, facts: Partial<Place>): void {
  for (const key of ['name', 'channel', ...TEXTS] as const) {
    const value = facts[key];
    if (value === undefined || value === '' || device[key] === value) continue;
    Object.assign(device, { [key]: value });
    device.identityChanged = true;
  }
}

export function storedDevice({
  states,
  pulses: _pulses,
  announced: _announced,
  identityChanged: _changed,
  ...device
}: Device): StoredDevice {
  return { ...device, states: Object.fromEntries([...states].filter(([feature]) => LASTING.includes(feature))) };
}

/** What outlives a restart: the devices, and the topics of those that are gone. */
export interface Stored {
  devices: StoredDevice[];
  gone: [id: string, retained: string[]][];
}

/** Reads it back, and leaves out what is damaged. Nobody knows what cameras see now: their sensors start as off. */
export function restored(stored: unknown): { devices: Device[]; gone: [string, string[]][] } {
  const { devices, gone } = record(stored);
  return {
    devices: (Array.isArray(devices) ? devices : []).flatMap((one) => restoredDevice(record(one)) ?? []),
    gone: (Array.isArray(gone) ? gone : []).flatMap((entry): [string, string[]][] => {
      const [id, retained] = Array.isArray(entry) ? entry : [];
      return typeof id === 'string' && Array.isArray(retained) ? [[id, retained.filter((topic) => typeof topic === 'string')]] : [];
    }),
  };
}

function restoredDevice(saved: Record<string, unknown>): Device | undefined {
  const { id, kind, name, channel } = saved;
  if (typeof id !== 'string' || !/^[\w-]+$/.test(id) || typeof name !== 'string') return undefined;
  if (kind !== 'camera' && kind !== 'account') return undefined;
  const features = Array.isArray(saved.features) ? saved.features.filter(isFeature) : [];
  const states = new Map<string, string>(kind === 'camera' ? [['availability', 'online']] : []);
  for (const [key, value] of Object.entries(record(saved.states))) {
    if (LASTING.includes(key) && typeof value === 'string') states.set(key, value);
  }
  for (const feature of features) if (isEventFeature(feature)) states.set(feature, 'OFF');
  const testFailed = saved.testFailed === true;
  const device: Device = { id, kind, name, features, states, testFailed, pulses: new Set(), announced: true, identityChanged: false };
  for (const key of TEXTS) if (typeof saved[key] === 'string') Object.assign(device, { [key]: saved[key] });
  if (typeof channel === 'number') device.channel = channel;
  return device;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
