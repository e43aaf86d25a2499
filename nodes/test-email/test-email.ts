import type { CameraTarget } from '../../src/cameras/target.ts';
import type { TestResult } from '../../src/cameras/test-result.ts';
import { systemClock } from '../../src/core/clock.ts';
import { CameraEmailError, isCameraEmailError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { createProver } from '../../src/fleet/prove.ts';
import { runFleet } from '../../src/fleet/run.ts';
import { testCamera } from '../../src/fleet/test-camera.ts';
import { testServer } from '../../src/fleet/test-server.ts';
import { assertCamerasCanLogIn, recipientsOf, wantedFor } from '../../src/fleet/wanted.ts';
import type { MailAccount } from '../../src/mail/account.ts';
import { accountOf } from '../shared/account.ts';
import { type Requested, requestedCameras } from '../shared/cameras.ts';
import { handle, publicWarnings } from '../shared/errors.ts';
import type { Message, NodeRed, RuntimeNode, Send } from '../shared/node-red.ts';
import { countBy, onward, publicCamera, publicTest } from '../shared/results.ts';
import { Running } from '../shared/running.ts';
import { servicesOf } from '../shared/services.ts';
import { text } from '../shared/texts.ts';
import { migrate, type TestEmailConfig } from './config.ts';
import { relaysThrough } from './relays.ts';

/** Settings are only read for a test, so nothing is wished for. */
const NO_WISHES = { recipients: 'keep', senderName: '', attachment: 'keep', minInterval: undefined, events: [] } as const;

interface Tested {
  via: 'server' | 'camera';
  result: TestResult;
  camera?: ReturnType<typeof publicCamera>;
}

/** One thing to test: this host's own way to the server, or a camera. */
type Item = { via: 'server' } | { via: 'camera'; camera: Requested };

module.exports = (RED: NodeRed) => {
  function TestEmail(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const config = migrate(saved);
    const running = new Running(this);
    this.on('input', (message, send, done) => {
      running.run((signal) => handle(RED, this, done, () => run(RED, this, config, message, send, signal)));
    });
  }

  RED.nodes.registerType('test-email', TestEmail);
};

async function run(RED: NodeRed, node: RuntimeNode, config: TestEmailConfig, message: Message, send: Send, signal: AbortSignal) {
  const started = systemClock.now();
  // The passwords in it must not go on, neither with the results nor to Catch and Complete nodes.
  const { cameras: given } = message;
  delete message.cameras;
  const account = accountOf(RED, config.account);
  const to = recipientsOf(account, typeof message.to === 'string' ? message.to : config.to);
  const cameras = config.via === 'server' ? [] : requestedCameras(RED, given, config.cameras);
  const items: Item[] = [
    ...(config.via === 'camera' ? [] : [{ via: 'server' } as const]),
    ...cameras.map((camera) => ({ via: 'camera', camera }) as const),
  ];
  const all: Tested[] = [];
  const payloads: object[] = [];
  const progress = (done: number) =>
    node.status({
      fill: 'blue',
      shape: 'dot',
      text: `${text(RED, 'status.testing')} ${text(RED, 'status.progress', { done, total: items.length })}`,
    });
  progress(0);
  await runFleet<Item, Tested>(
    {
      items,
      concurrency: 16,
      itemMs: LIMITS.device.jobMs + config.timeout * 1000,
      canary: false,
      work: (item, limited) => test(RED, item, account, { to, config }, limited),
      failed: (item, error) => ({ ...about(item), result: { ok: false, verdict: 'failed', stages: [], warnings: [], error } }),
      skipped: (item) => ({ ...about(item), result: { ok: false, verdict: 'inconclusive', stages: [], warnings: [] } }),
      succeeded: ({ result }) => result.ok,
      onResult(tested, done) {
        all.push(tested);
        const payload = publicTested(RED, tested);
        payloads.push(payload);
        progress(done);
        send([onward(RED, message, payload, tested.camera?.name ?? account.name), null]);
      },
    },
    signal,
  );
  const counts = countBy(all, ({ result }) => result.verdict);
  send([null, onward(RED, message, { total: all.length, counts, results: payloads, ms: systemClock.now() - started })]);
  return conclude(RED, node, all);
}

async function test(
  RED: NodeRed,
  item: Item,
  account: MailAccount,
  { to, config }: { to: string[]; config: TestEmailConfig },
  signal: AbortSignal,
): Promise<Tested> {
  const timeoutMs = config.timeout * 1000;
  if (item.via === 'server')
    return { via: 'server', result: await testServer(account, { to, proveArrival: config.proveArrival, timeoutMs }, systemClock, signal) };
  if ('error' in item.camera) throw item.camera.error;
  const { target } = item.camera;
  const { connect, exclusively } = servicesOf(RED);
  const services = {
    connect,
    prove: createProver(account, systemClock, timeoutMs),
    relays: ({ name, address }: CameraTarget) => relaysThrough(RED, config.account, { name, host: address.host }, signal),
    assertDirectLogin: () => assertCamerasCanLogIn(account),
  };
  const wanted = wantedFor(account, NO_WISHES, target.name);
  const depth = config.proveArrival ? 'arrival' : 'camera';
  const result = await exclusively(target, signal, () => testCamera(target, wanted, depth, services, signal));
  return { via: 'camera', result, camera: publicCamera(target.name, target, result.identity) };
}

function about(item: Item): Omit<Tested, 'result'> {
  if (item.via === 'server') return { via: 'server' };
  const target = 'target' in item.camera ? item.camera.target : undefined;
  return { via: 'camera', camera: publicCamera(item.camera.name, target) };
}

function publicTested(RED: NodeRed, { via, camera, result }: Tested) {
  const warnings = publicWarnings(RED, result.warnings);
  return { via, ...(camera === undefined ? {} : { camera }), ...publicTest(RED, result), ...(warnings.length === 0 ? {} : { warnings }) };
}

/** "Inconclusive" is no failure: nobody knows. A mail in the spam folder, or one that did not arrive, is one. */
function conclude(RED: NodeRed, node: RuntimeNode, all: readonly Tested[]): CameraEmailError | undefined {
  const failures = all.filter(({ result }) => !result.ok && result.verdict !== 'inconclusive');
  const [only] = all;
  if (failures.length === 0) {
    const ok = all.filter(({ result }) => result.ok).length;
    const uncertain = all.length - ok;
    const several = uncertain === 0 ? text(RED, 'status.done', { count: ok }) : text(RED, 'status.uncertain', { ok, count: uncertain });
    const label = all.length === 1 && only !== undefined ? text(RED, `verdicts.${only.result.verdict}`) : several;
    node.status({ fill: uncertain > 0 ? 'yellow' : 'green', shape: 'dot', text: label ?? '' });
    return undefined;
  }
  node.status({
    fill: 'red',
    shape: 'ring',
    text: text(RED, 'status.failures', { ok: all.length - failures.length, failed: failures.length }) ?? '',
  });
  const [first] = failures;
  const cameras = failures.filter(({ via }) => via === 'camera').length;
  if (cameras === 0 && isCameraEmailError(first?.result.error)) return first.result.error;
  return new CameraEmailError('cameras-failed', `${cameras} cameras failed`, { params: { count: cameras }, cause: first?.result.error });
}
