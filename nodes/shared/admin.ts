import { identifyDevice } from '../../src/cameras/identify.ts';
import { DRIVERS } from '../../src/cameras/registry.ts';
import { withDeadline } from '../../src/core/deadline.ts';
import { asCameraEmailError, CameraEmailError, isCameraEmailError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { deviceKey } from '../../src/http/device-memory.ts';
import type { MailAccount } from '../../src/mail/account.ts';
import { forgetRefusedLogin } from '../../src/mail/login-guard.ts';
import { type ServerReport, verifyAccount } from '../../src/mail/verify.ts';
import { migrate as migrateCamera } from '../camera-device/config.ts';
import { migrate as migrateAccount } from '../gmail-account/config.ts';
import { accountFrom } from './account.ts';
import { cameraTarget } from './cameras.ts';
import { publicError, publicWarnings } from './errors.ts';
import type { NodeRed } from './node-red.ts';
import { resumeOutbox } from './outboxes.ts';
import { servicesOf } from './services.ts';

/** What the editor shows in place of a stored password, and sends when it was not touched. */
const STORED = '__PWRD__';

export interface DialogRequest {
  id: string;
  config: Record<string, unknown>;
  credentials: Record<string, string>;
  retry: boolean;
}

/** Texts of a dialog, with stored passwords put in where the user left them as they are. Throws `bad-input`. */
export function dialogRequest(RED: NodeRed, body: unknown): DialogRequest {
  const { id, config, credentials, retry } = (body ?? {}) as Record<string, unknown>;
  if (typeof config !== 'object' || config === null)
    throw new CameraEmailError('bad-input', 'no settings', { params: { field: 'config' } });
  const nodeId = typeof id === 'string' ? id : '';
  const stored = RED.nodes.getCredentials(nodeId) ?? {};
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries((credentials ?? {}) as Record<string, unknown>)) {
    given[name] = value === STORED ? (stored[name] ?? '') : String(value ?? '');
  }
  const keeps = Object.values((credentials ?? {}) as object).includes(STORED) && Object.keys(stored).length > 0;
  if (keeps && !sameTarget(RED, nodeId, config as Record<string, unknown>)) {
    throw new CameraEmailError('bad-input', 'a stored password for another address', { params: { field: 'stored' } });
  }
  return {
    id: nodeId,
    config: fromEnvironment(config as Record<string, unknown>),
    credentials: fromEnvironment(given),
    retry: retry === true,
  };
}

/** Where a stored password may be sent: only to the address that its node was deployed with. */
const TARGETS: Readonly<Record<string, (saved: Record<string, unknown>) => unknown>> = {
  'camera-device': (saved) => {
    const { host, port, protocol, trust } = migrateCamera(saved);
    return [host, port, protocol, trust];
  },
  'gmail-account': (saved) => {
    const { service, host, port, security, imapHost, imapPort, imapSecurity, tls, authentication, tokenUrl } = migrateAccount(saved);
    return [service, host, port, security, imapHost, imapPort, imapSecurity, tls, authentication, tokenUrl];
  },
};

function sameTarget(RED: NodeRed, id: string, config: Record<string, unknown>): boolean {
  let same = false;
  RED.nodes.eachNode((deployed) => {
    const target = TARGETS[deployed.type];
    if (deployed.id === id && target !== undefined) same = JSON.stringify(target({ ...deployed })) === JSON.stringify(target(config));
  });
  return same;
}

/** `${NAME}` as Node-RED does it for deployed nodes. */
export function fromEnvironment<T extends Record<string, unknown>>(values: T): T {
  const entries = Object.entries(values).map(([name, value]) => {
    const variable = typeof value === 'string' ? /^\$\{([^{}\s]+)\}$/.exec(value.trim())?.[1] : undefined;
    return [name, variable === undefined ? value : (process.env[variable] ?? '')];
  });
  return Object.fromEntries(entries) as T;
}

/** Answers a POST that has an effect; what goes wrong is told with the texts of the locale. */
export function servePost(RED: NodeRed, path: string, work: (body: unknown) => object | Promise<object>): void {
  RED.httpAdmin.post(`/camera-email/${path}`, RED.auth.needsPermission('camera-email.write'), (request, response) => {
    Promise.resolve()
      .then(() => work(request.body))
      .then(
        (answer) => response.json(answer),
        (error) => response.json({ ok: false, warnings: [], error: publicError(RED, error) }),
      );
  });
}

function serve(RED: NodeRed, path: string, work: (request: DialogRequest) => Promise<object>): void {
  servePost(RED, path, (body) => work(dialogRequest(RED, body)));
}

/** The account as its dialog shows it. Throws `bad-input`. */
export function accountOfDialog(RED: NodeRed, { id, config, credentials }: DialogRequest): MailAccount {
  const saved = migrateAccount(config);
  return accountFrom(RED, { ...saved, id, tls: undefined }, saved.tls, credentials);
}

/** The Verify button: an explicit wish, so that a login that was refused before is tried once more. */
export function serveVerify(RED: NodeRed): void {
  serve(RED, 'verify', async (request) => {
    const account = accountOfDialog(RED, request);
    forgetRefusedLogin(account);
    const { ok, smtp, imap } = await verifyAccount(account);
    if (smtp.ok) resumeOutbox(RED, request.id);
    return { ok, smtp: publicReport(RED, smtp), ...(imap === undefined ? {} : { imap: publicReport(RED, imap) }) };
  });
}

function publicReport(RED: NodeRed, { ok, stages, error }: ServerReport) {
  return { ok, stages, ...(error === undefined ? {} : { error: publicError(RED, error) }) };
}

/** The list of vendors, and the Identify button. */
export function serveCameras(RED: NodeRed): void {
  RED.httpAdmin.get('/camera-email/vendors', RED.auth.needsPermission('camera-email.read'), (_request, response) => {
    response.json(DRIVERS.map(({ vendor, label, brands, evidence }) => ({ vendor, label, brands, evidence })));
  });
  serve(RED, 'identify', async ({ id, config, credentials, retry }) => {
    const { memory, connect } = servicesOf(RED);
    const target = cameraTarget(config, credentials, id);
    const { address } = target;
    // The dialog's fingerprint decides: an emptied field means that the next certificate is trusted.
    if (address.trust === 'pin' && address.fingerprint === undefined) memory.forgetFingerprint(address);
    if (retry) memory.clearFreeze(address);
    try {
      return await withDeadline(LIMITS.device.testMs, address.host, undefined, async (signal) => {
        const http = connect(target);
        const { driver, identity } = await identifyDevice(http, target.vendor, signal);
        const warnings = [...(http.secure ? [] : [{ code: 'plain-http' }]), ...(address.legacyTls ? [{ code: 'legacy-tls' }] : [])];
        const fingerprint =
          http.secure && address.trust === 'pin' ? (address.fingerprint ?? memory.fingerprint(deviceKey(address))) : undefined;
        return {
          ok: true,
          identity,
          canConfigure: driver.eventsOnly !== true,
          evidence: driver.evidence,
          secure: http.secure,
          ...(fingerprint === undefined ? {} : { fingerprint }),
          warnings: publicWarnings(RED, warnings),
        };
      });
    } catch (thrown) {
      const error = asCameraEmailError(thrown);
      const frozen = isCameraEmailError(error, 'unauthorized');
      return { ok: false, warnings: [], error: { ...publicError(RED, error), ...(frozen ? { frozen } : {}) } };
    }
  });
}
