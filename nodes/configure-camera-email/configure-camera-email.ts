import type { CameraOutcome } from '../../src/cameras/configure.ts';
import { systemClock } from '../../src/core/clock.ts';
import { asCameraEmailError, CameraEmailError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { configureFleet, type FleetOrder, isGood } from '../../src/fleet/configure-fleet.ts';
import { type ReportRow, reportCsv, reportHtml } from '../../src/fleet/report.ts';
import type { Rotation } from '../../src/fleet/rotation.ts';
import { accountOf } from '../shared/account.ts';
import { servePlan } from '../shared/admin-plan.ts';
import { requestedCameras } from '../shared/cameras.ts';
import { handle } from '../shared/errors.ts';
import { fleetServices, relayOf } from '../shared/fleet.ts';
import { beginJob, forgetJob } from '../shared/live-jobs.ts';
import type { Message, NodeRed, RuntimeNode, Send } from '../shared/node-red.ts';
import { countBy, onward, publicOutcome } from '../shared/results.ts';
import { Running } from '../shared/running.ts';
import { text } from '../shared/texts.ts';
import { ACTIONS, type Action, type ConfigureCameraEmailConfig, migrate } from './config.ts';

const STATUS = { plan: 'planning', apply: 'writing', verify: 'verifying', restore: 'restoring' } as const;

type Payload = ReturnType<typeof publicOutcome>;

module.exports = (RED: NodeRed) => {
  function ConfigureCameraEmail(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const config = migrate(saved);
    const running = new Running(this);
    this.on('input', (message, send, done) => {
      running.run((signal) => handle(RED, this, done, () => run(RED, this, config, message, send, signal)));
    });
    this.on('close', (removed, done) => {
      if (removed) forgetJob(this.id);
      done();
    });
  }

  RED.nodes.registerType('configure-camera-email', ConfigureCameraEmail);
  servePlan(RED);
};

/** Resolves with the error for `done`, if any camera failed. */
async function run(RED: NodeRed, node: RuntimeNode, config: ConfigureCameraEmailConfig, message: Message, send: Send, signal: AbortSignal) {
  const started = systemClock.now();
  // The passwords in it must not go on, neither with the results nor to Catch and Complete nodes.
  const { cameras: given } = message;
  delete message.cameras;
  const order = orderOf(RED, node, config, message, given);
  const { action, cameras } = order;
  const progress = (done: number) =>
    node.status({
      fill: 'blue',
      shape: 'dot',
      text: `${text(RED, `status.${STATUS[action]}`)} ${text(RED, 'status.progress', { done, total: cameras.length })}`,
    });
  const payloads: Payload[] = [];
  const live = beginJob(node.id, action, cameras.length);
  const onOutcome = (outcome: CameraOutcome, done: number) => {
    const payload = publicOutcome(RED, outcome);
    payloads.push(payload);
    live.add(payload);
    progress(done);
    send([onward(RED, message, payload, payload.camera.name), null]);
  };
  progress(0);
  const { outcomes, rotation } = await configureFleet(order, fleetServices(RED), onOutcome, signal).finally(() => live.end());
  const summary = {
    action,
    total: outcomes.length,
    counts: countBy(outcomes, ({ outcome }) => outcome),
    results: payloads,
    ms: systemClock.now() - started,
    ...(rotation === undefined ? {} : { rotation: publicRotation(RED, rotation) }),
  };
  send([null, { ...onward(RED, message, summary), report: reportOf(RED, outcomes, payloads) }]);
  return conclude(RED, node, outcomes);
}

function orderOf(RED: NodeRed, node: RuntimeNode, config: ConfigureCameraEmailConfig, message: Message, given: unknown): FleetOrder {
  const action = actionOf(message.action === '' ? config.action : (message.action ?? config.action));
  // Old settings can be put back without any account; with one, its password goes along where it belongs.
  const needless = action === 'restore' && !RED.nodes.getNode(config.account);
  const chosen = needless ? undefined : accountOf(RED, config.account);
  const account = action === 'restore' && chosen?.oauth2 ? undefined : chosen;
  return {
    node: node.id,
    action,
    account,
    cameras: requestedCameras(RED, given, config.cameras),
    wishes: config,
    arrivalMs: arrivalMs(message.timeout),
    test: config.test,
    rollback: config.rollback,
    rotate: message.rotate === true,
    enabled: typeof message.enabled === 'boolean' ? message.enabled : undefined,
    backup: typeof message.backup === 'string' && message.backup !== '' ? message.backup : undefined,
    relay: relayOf(RED, config.relay),
    canary: config.canary,
    concurrency: config.concurrency,
  };
}

function actionOf(value: unknown): Action {
  const action = ACTIONS.find((one) => one === value);
  if (action !== undefined) return action;
  const shown = typeof value === 'string' ? value.slice(0, 40) : typeof value;
  throw new CameraEmailError('bad-input', 'unknown action', { params: { field: 'action', value: shown } });
}

/** `msg.timeout`, in seconds as in test-email. */
function arrivalMs(value: unknown): number {
  if (value === undefined) return LIMITS.mail.arrivalDefaultMs;
  if (typeof value === 'number' && value >= 1 && value <= 3600) return value * 1000;
  throw new CameraEmailError('bad-input', 'timeout', { params: { field: 'timeout' } });
}

function publicRotation(RED: NodeRed, { done, pending, oldPasswordMayBeRevoked, advice }: Rotation) {
  return { done, pending, oldPasswordMayBeRevoked, advice: text(RED, `rotation.${advice}`, { count: pending.length }) ?? advice };
}

function reportOf(RED: NodeRed, outcomes: readonly CameraOutcome[], payloads: readonly Payload[]) {
  const rows = outcomes.map((outcome, index) => reportRow(outcome, payloads[index]));
  const at = new Date(systemClock.now()).toISOString();
  return { csv: reportCsv(rows), html: reportHtml(rows, at, (key, values) => text(RED, key, values) ?? key) };
}

function reportRow({ identity, name, changes, outcome, target, test, ms }: CameraOutcome, payload: Payload | undefined): ReportRow {
  return {
    name,
    host: target?.address.host ?? '',
    brand: identity?.brand ?? '',
    model: identity?.model ?? '',
    firmware: identity?.firmware ?? '',
    outcome,
    changes,
    warnings: payload?.warnings.map(({ message }) => message) ?? [],
    error: payload?.error === undefined ? '' : `${payload.error.message} ${payload.error.advice}`,
    mailMs: test?.arrival?.latencyMs,
    ms,
  };
}

function conclude(RED: NodeRed, node: RuntimeNode, outcomes: readonly CameraOutcome[]): CameraEmailError | undefined {
  const ok = outcomes.filter(isGood).length;
  const failed = outcomes.length - ok;
  if (failed === 0) {
    const arrived = outcomes.every(({ test }) => test?.verdict === 'arrived');
    node.status({ fill: 'green', shape: 'dot', text: text(RED, arrived ? 'status.arrived' : 'status.done', { count: ok }) });
    return undefined;
  }
  node.status({ fill: 'red', shape: 'ring', text: text(RED, 'status.failures', { ok, failed }) ?? '' });
  const cause = outcomes.find(({ error }) => error !== undefined)?.error;
  return new CameraEmailError('cameras-failed', `${failed} of ${outcomes.length} cameras failed`, {
    params: { count: failed },
    cause: asCameraEmailError(cause),
  });
}
