import { type CameraOutcome, type ConfigureOrder, type ConfigureServices, configureCamera } from '../../src/cameras/configure.ts';
import { systemClock } from '../../src/core/clock.ts';
import { asCameraEmailError, CameraEmailError, isCameraEmailError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { createProver } from '../../src/fleet/prove.ts';
import { runFleet } from '../../src/fleet/run.ts';
import { securityChoices, wantedFor } from '../../src/fleet/wanted.ts';
import type { MailAccount } from '../../src/mail/account.ts';
import { verifyAccount } from '../../src/mail/verify.ts';
import { accountOf } from '../shared/account.ts';
import { type Requested, requestedCameras } from '../shared/cameras.ts';
import { handle } from '../shared/errors.ts';
import type { Message, NodeRed, RuntimeNode, Send } from '../shared/node-red.ts';
import { countBy, onward, publicOutcome } from '../shared/results.ts';
import { Running } from '../shared/running.ts';
import { servicesOf } from '../shared/services.ts';
import { text } from '../shared/texts.ts';
import { ACTIONS, type Action, type ConfigureCameraEmailConfig, migrate } from './config.ts';

const GOOD: readonly string[] = ['planned', 'unchanged', 'applied', 'verified', 'drifted', 'restored'];
const STATUS = { plan: 'planning', apply: 'writing', verify: 'verifying', restore: 'restoring' } as const;

module.exports = (RED: NodeRed) => {
  function ConfigureCameraEmail(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const config = migrate(saved);
    const running = new Running(this);
    this.on('input', (message, send, done) => {
      running.run((signal) => handle(RED, this, done, () => run(RED, this, config, message, send, signal)));
    });
  }

  RED.nodes.registerType('configure-camera-email', ConfigureCameraEmail);
};

/** Resolves with the error for `done`, if any camera failed. */
async function run(RED: NodeRed, node: RuntimeNode, config: ConfigureCameraEmailConfig, message: Message, send: Send, signal: AbortSignal) {
  const started = systemClock.now();
  const action = actionOf(message.action ?? config.action);
  const account = action === 'restore' && RED.nodes.getNode(config.account) === null ? undefined : accountOf(RED, config.account);
  const cameras = requestedCameras(RED, message.cameras, config.cameras);
  const services = jobServices(RED, action, account);
  const order: Omit<ConfigureOrder, 'wanted'> = {
    action,
    securityChoices: account === undefined ? [] : securityChoices(account),
    test: config.test,
    rollback: config.rollback,
    rotate: message.rotate === true,
    backup: typeof message.backup === 'string' && message.backup !== '' ? message.backup : undefined,
  };
  const progress = (done: number) =>
    node.status({
      fill: 'blue',
      shape: 'dot',
      text: `${text(RED, `status.${STATUS[action]}`)} ${text(RED, 'status.progress', { done, total: cameras.length })}`,
    });
  const outcomes: CameraOutcome[] = [];
  const payloads: ReturnType<typeof publicOutcome>[] = [];
  progress(0);
  await runFleet<Requested, CameraOutcome>(
    {
      items: cameras,
      concurrency: config.concurrency,
      itemMs: LIMITS.device.jobMs,
      canary: config.canary && action === 'apply',
      async work(camera, limited) {
        if ('error' in camera) throw camera.error;
        const { target } = camera;
        const wanted = account === undefined ? undefined : wantedFor(account, config, target.name);
        return servicesOf(RED).exclusively(target, limited, () => configureCamera(target, { ...order, wanted }, services, limited));
      },
      failed: (camera, error) => withoutWork(camera, action, 'failed', error),
      skipped: (camera) => withoutWork(camera, action, 'skipped'),
      succeeded: ({ outcome }) => GOOD.includes(outcome),
      onResult(outcome, done) {
        const payload = publicOutcome(RED, outcome);
        outcomes.push(outcome);
        payloads.push(payload);
        progress(done);
        send([onward(RED, message, payload, payload.camera.name), null]);
      },
    },
    signal,
  );
  const counts = countBy(outcomes, ({ outcome }) => outcome);
  send([null, onward(RED, message, { action, total: outcomes.length, counts, results: payloads, ms: systemClock.now() - started })]);
  return conclude(RED, node, outcomes);
}

function actionOf(value: unknown): Action {
  const action = ACTIONS.find((one) => one === value);
  if (action === undefined)
    throw new CameraEmailError('bad-input', 'unknown action', { params: { field: 'action', value: String(value).slice(0, 40) } });
  return action;
}

function jobServices(RED: NodeRed, action: Action, account: MailAccount | undefined): ConfigureServices {
  const { backups, written, connect } = servicesOf(RED);
  let verified: Promise<{ code: string }[]> | undefined;
  const verify = async (of: MailAccount) => {
    const { smtp } = await verifyAccount(of, { imap: false });
    if (smtp.ok) return [];
    if (isCameraEmailError(smtp.error, 'bad-app-password', 'app-password-required', 'web-login-required')) throw smtp.error;
    // The cameras may well reach what this host cannot: said, but no reason to stop.
    return [{ code: 'account-not-verified' }];
  };
  const noProof = () => Promise.reject(new CameraEmailError('internal', 'no test without an account'));
  return {
    connect,
    backups,
    written,
    clock: systemClock,
    verifyAccount: () => {
      if (account !== undefined && action === 'apply') verified ??= verify(account);
      return verified ?? Promise.resolve([]);
    },
    prove: account === undefined ? noProof : createProver(account, systemClock, LIMITS.mail.arrivalDefaultMs),
  };
}

function withoutWork(camera: Requested, action: Action, outcome: 'failed' | 'skipped', error?: CameraEmailError): CameraOutcome {
  const target = 'target' in camera ? camera.target : undefined;
  return { name: camera.name, target, action, outcome, changes: [], warnings: [], error, ms: 0 };
}

function conclude(RED: NodeRed, node: RuntimeNode, outcomes: readonly CameraOutcome[]): CameraEmailError | undefined {
  const failed = outcomes.filter(({ outcome }) => !GOOD.includes(outcome)).length;
  const ok = outcomes.length - failed;
  if (failed === 0) {
    node.status({ fill: 'green', shape: 'dot', text: text(RED, 'status.done', { count: ok }) ?? '' });
    return undefined;
  }
  node.status({ fill: 'red', shape: 'ring', text: text(RED, 'status.failures', { ok, failed }) ?? '' });
  const cause = outcomes.find(({ error }) => error !== undefined)?.error;
  return new CameraEmailError('cameras-failed', `${failed} of ${outcomes.length} cameras failed`, {
    params: { count: failed },
    cause: asCameraEmailError(cause),
  });
}
