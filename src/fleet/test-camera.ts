import { changesTo } from '../cameras/changes.ts';
import type { ConfigureServices } from '../cameras/configure.ts';
import type { Camera, Change, DeviceIdentity, EmailSettings, WantedEmail } from '../cameras/driver.ts';
import { identifyDevice } from '../cameras/identify.ts';
import type { CameraTarget } from '../cameras/target.ts';
import type { TestResult } from '../cameras/test-result.ts';
import { asCameraEmailError, CameraEmailError } from '../core/errors.ts';
import { type MailRelay, throughRelay } from './wanted.ts';

export interface CameraTested extends TestResult {
  target: CameraTarget;
  identity?: DeviceIdentity | undefined;
}

type Services = Pick<ConfigureServices, 'connect' | 'prove'> & {
  /** The listeners of ours that send on through the account, as this camera sees them. */
  relays?(target: CameraTarget): Promise<readonly MailRelay[]>;
  /** Throws for an account that cameras cannot log in to themselves. */
  assertDirectLogin?(): void;
};

/** What shows that the camera mails through something else. */
function foreignTo(settings: EmailSettings, wanted: WantedEmail): Change[] {
  return changesTo(settings, wanted).filter(({ field }) => field === 'server' || field === 'username');
}

/** The relay that the camera mails to, with the encryption that the camera uses there. */
function relayOf({ server, port, security }: EmailSettings, relays: readonly MailRelay[]) {
  const relay = relays.find((one) => one.host.toLowerCase() === server?.toLowerCase() && (port === undefined || one.port === port));
  if (relay === undefined) return undefined;
  return { ...relay, security: security ?? relay.securities[0] ?? 'none' };
}

/** Has one camera send its test mail with the settings it holds. Never rejects. Nothing is written into the camera. */
export async function testCamera(
  target: CameraTarget,
  wanted: Omit<WantedEmail, 'writePassword' | 'channel'>,
  depth: 'camera' | 'arrival',
  services: Services,
  signal: AbortSignal,
): Promise<CameraTested> {
  let camera: Camera | undefined;
  let identity: DeviceIdentity | undefined;
  try {
    const relays = (await services.relays?.(target)) ?? [];
    if (relays.length === 0) services.assertDirectLogin?.();
    const http = services.connect(target);
    const identified = await identifyDevice(http, target.vendor, signal);
    identity = identified.identity;
    camera = identified.driver.open(http, target.channel, identity);
    const { settings } = await camera.read({ events: false }, signal);
    const direct: WantedEmail = { ...wanted, writePassword: false, channel: target.channel };
    const relay = foreignTo(settings, direct).length === 0 ? undefined : relayOf(settings, relays);
    if (relay === undefined) services.assertDirectLogin?.();
    const whole = relay === undefined ? direct : { ...direct, ...throughRelay(direct, relay).wanted, security: relay.security };
    // The camera's own password is needed for the test, and only the account's and the relays' are known: it must use one of them.
    const foreign = foreignTo(settings, whole);
    if (foreign.length > 0) {
      const value = foreign.map((change) => change.field).join(', ');
      throw new CameraEmailError('not-applied', `the camera does not use this account: ${value}`, { params: { field: 'account', value } });
    }
    const { experimentalTest = false } = identified.driver;
    return {
      target,
      identity,
      ...(await services.prove({ camera, settings, wanted: whole, depth, experimental: experimentalTest }, signal)),
    };
  } catch (error) {
    const failure = asCameraEmailError(error);
    return { target, identity, ok: false, verdict: 'failed', stages: [], warnings: [], error: failure };
  } finally {
    await camera?.close?.(AbortSignal.timeout(5_000)).catch(() => undefined);
  }
}
