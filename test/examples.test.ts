import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type FlowNode = Record<string, unknown> & { id: string; type: string };

const root = join(__dirname, '..');
const files = readdirSync(join(root, 'examples'));
const load = (file: string) => JSON.parse(readFileSync(join(root, 'examples', file), 'utf8')) as FlowNode[];
const own: string[] = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))['node-red'].nodes);
const CORE = [
  'tab comment inject debug catch complete status switch change template csv split join function delay trigger',
  'mqtt-broker mqtt in mqtt out http request http in http response file in file link in link out',
].join(' ');

/** Runs the code of a function node of an example. */
function run(file: string, name: string, msg: object, context: Record<string, unknown> = {}): unknown {
  const node = load(file).find((one) => one.type === 'function' && one.name === name);
  assert.ok(node !== undefined, name);
  const flow = {
    get: (key: string) => context[key],
    set: (key: string, value: unknown) => {
      context[key] = value;
    },
  };
  const quiet = { warn: () => undefined, status: () => undefined };
  return new Function('msg', 'flow', 'node', 'env', String(node.func))(msg, flow, quiet, { get: (key: string) => `the ${key}` });
}

describe('examples', () => {
  it('all of them can be imported into one Node-RED: no id is used twice', () => {
    const ids = files.flatMap(load).map(({ id }) => id);
    assert.deepEqual(
      ids.filter((id, index) => ids.indexOf(id) !== index),
      [],
    );
  });

  for (const file of files) {
    describe(file, () => {
      const nodes = load(file);
      const known = new Set(nodes.map(({ id }) => id));

      it('every wire, scope and configuration leads to a node of it', () => {
        const led = nodes.flatMap((node) => [
          ...((node.wires ?? []) as string[][]).flat(),
          ...((node.scope ?? []) as string[]),
          ...((node.cameras ?? []) as string[]),
          ...['z', 'broker', 'account', 'camera', 'relay'].flatMap((key) =>
            node.type !== 'mqtt-broker' && typeof node[key] === 'string' && node[key] !== '' ? [String(node[key])] : [],
          ),
          ...(node.type === 'mqtt-broker' && typeof node.z === 'string' ? [node.z] : []),
        ]);
        assert.deepEqual(
          led.filter((id) => !known.has(id)),
          [],
        );
      });

      it('has as many outputs as it wires, and nodes that everybody has', () => {
        for (const { type, outputs, wires } of nodes) {
          assert.ok(own.includes(type) || CORE.includes(type), type);
          if (typeof outputs === 'number') assert.equal((wires as unknown[]).length, outputs);
        }
      });

      it('its comments name nodes that are there', () => {
        const names = nodes.flatMap(({ name, label, type }) => [name, label, type].map(String));
        const spoken = [...own.map((type) => type.replaceAll('-', ' ')), 'home assistant cameras', 'Home Assistant'];
        // What Home Assistant and cameras show.
        const elsewhere = ['Check settings', 'E-mail alerts', 'Send test e-mail', 'Notify Surveillance Center'];
        for (const { info, name, type } of nodes) {
          if (type !== 'comment') continue;
          const text = `${name}\n${info}`.replace(/\{[^}]*\}/g, '');
          for (const [, quoted = ''] of text.matchAll(/"([^"]+)"/g))
            assert.ok([...names, ...spoken, ...elsewhere].includes(quoted), `no node "${quoted}"`);
        }
      });
    });
  }

  it('07: a camera whose mail nobody could look for is not said to have lost it', () => {
    const told = (payload: object) => (run('07 - Nightly proof.json', 'In plain words', { payload }) as { payload: string }).payload;
    assert.match(told({ camera: { name: 'Gate' }, ok: false, verdict: 'inconclusive' }), /^Gate: Nobody knows/);
    assert.match(told({ camera: { name: 'Gate' }, ok: false, verdict: 'accepted' }), /^Gate: The test mail was not found/);
    const error = { message: 'Gmail refused.', advice: 'Make a new one.' };
    assert.equal(told({ camera: { name: 'Gate' }, ok: false, verdict: 'failed', error }), 'Gate: Gmail refused. Make a new one.');
  });

  it('08: what was under way when the flows were deployed anew is done when it is asked for half an hour later', () => {
    const job = { payload: { id: 'j1', action: 'apply', cameras: ['Gate', 'Yard'] } };
    const context: { jobs?: Record<string, Record<string, unknown>> } = {};
    const work = () => (run('08 - Many sites over MQTT.json', 'Take the job', job, context) as [{ cameras: string[] } | null])[0]?.cameras;
    assert.deepEqual(work(), ['Gate', 'Yard']);
    assert.equal(work(), undefined, 'it is under way');
    const jobs = context.jobs?.j1 ?? {};
    jobs.Gate = Date.now() - 31 * 60_000;
    jobs.Yard = { camera: 'Yard', outcome: 'applied' };
    assert.deepEqual(work(), ['Gate']);
  });
});
