import { CameraEmailError } from '../core/errors.ts';
import type { EmailReading, WantedEmail } from './driver.ts';
import type { ConfigureOrder } from './order.ts';

/** The account's password fits these settings: the same server and login name. */
export function belongsToAccount({ settings }: EmailReading, wanted: Pick<WantedEmail, 'server' | 'username'>): boolean {
  return settings.server?.toLowerCase() === wanted.server.toLowerCase() && settings.username === wanted.username;
}

/**
 * The camera's own settings with only the switch changed: its flag, or where it has none the events that send mail. The camera has to use
 * the account, because most brands want the password along with any change.
 */
export function onlySwitched(
  wanted: NonNullable<ConfigureOrder['wanted']>,
  enabled: boolean,
  reading: EmailReading,
): NonNullable<ConfigureOrder['wanted']> {
  const { settings } = reading;
  if (!belongsToAccount(reading, wanted)) {
    throw new CameraEmailError('not-applied', 'the camera does not use this account', {
      params: { field: 'account', value: 'server, username' },
    });
  }
  const byEvents = settings.enabled === undefined;
  // Without a choice of events nobody could switch it on again.
  if (byEvents && (settings.events === undefined || wanted.events === undefined)) {
    throw new CameraEmailError('unsupported', 'no switch, and no events to choose', { params: { field: 'enabled' } });
  }
  return {
    ...wanted,
    enabled,
    port: settings.port ?? wanted.port,
    security: settings.security ?? wanted.security,
    authentication: settings.authentication ?? wanted.authentication,
    sender: settings.sender ?? wanted.sender,
    senderName: undefined,
    recipients: undefined,
    attachment: undefined,
    minInterval: undefined,
    events: byEvents ? (enabled ? wanted.events : []) : undefined,
  };
}
