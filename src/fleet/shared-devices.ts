import type { CameraTarget } from '../cameras/target.ts';

/** What tells one device of a run from another; the channels of a recorder have it in common. */
export function deviceOf({ address }: CameraTarget): string {
  return `${address.host.toLowerCase()}:${address.port ?? ''}`;
}

/**
 * By device, the channel whose name stands for all in what a device has only once, such as the sender's name of its mails: the first
 * channel of the run, however the cameras are sorted.
 */
export function leadingChannels(targets: readonly CameraTarget[]): ReadonlyMap<string, CameraTarget> {
  const leads = new Map<string, CameraTarget>();
  for (const target of targets) {
    const lead = leads.get(deviceOf(target));
    const isBefore = lead !== undefined && (target.channel - lead.channel || (target.name < lead.name ? -1 : 1)) < 0;
    if (lead === undefined || isBefore) leads.set(deviceOf(target), target);
  }
  return leads;
}
