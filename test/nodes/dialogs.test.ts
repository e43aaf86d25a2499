import assert from 'node:assert/strict';
import type { LiveView } from '../../nodes/shared/live-jobs.ts';
import { until } from '../waiting.ts';
import { Bench } from './fixture.ts';

const STORED = '__PWRD__';

describe('what the dialogs ask', () => {
  let bench: Bench;
  before(async () => {
    bench = await Bench.start([
      { name: 'Front', vendor: 'hikvision', variant: 'camera' },
      { name: 'Yard', vendor: 'onvif', variant: 'camera' },
    ]);
    await bench.load('configure-camera-email', { action: 'apply', test: 'none', cameras: ['cam0'] });
  });
  after(() => bench.close());

  const accountConfig = () => {
    const { mail, account } = bench.sandbox;
    const servers = { host: 'localhost', port: mail.ports.smtps, imapHost: 'localhost', imapPort: mail.ports.imaps };
    return { email: account.email, service: 'custom', security: 'tls', imapSecurity: 'tls', tls: 'ca', ...servers };
  };
  const account = () => ({ id: 'account', config: accountConfig(), credentials: { appPassword: STORED } });
  const camera = (config: object = {}, credentials: object = { username: STORED, password: STORED }) => ({
    id: 'cam0',
    config: {
      name: 'Front',
      vendor: 'auto',
      host: '127.0.0.1',
      port: bench.sandbox.cameras[0]?.port,
      protocol: 'https',
      trust: 'pin',
      ...config,
    },
    credentials,
  });
  const post = async (path: string, body: object) => (await bench.admin().post(`/camera-email/${path}`).send(body)).body;

  async function preview(cameras: object[], config: object = {}): Promise<LiveView> {
    const { job } = await post('plan', { config: { ...defaults, ...config }, account: account(), cameras });
    let view: LiveView | undefined;
    await until(async () => {
      view = (await bench.admin().get(`/camera-email/jobs/${job}`)).body as unknown as LiveView;
      return view.done;
    });
    if (view === undefined) throw new Error('no view');
    return view;
  }
  const defaults = {
    action: 'plan',
    recipients: '',
    senderName: '',
    attachment: 'keep',
    minInterval: '',
    events: [],
    test: 'none',
    concurrency: 16,
  };

  it('tells whether the mail settings of a camera can be written', async () => {
    const { username, password } = bench.sandbox.login;
    const identified = async (index: number) => {
      const { port, protocol } = bench.sandbox.cameras[index] ?? assert.fail();
      return post('identify', camera({ port, protocol }, { username, password }));
    };
    assert.deepEqual([(await identified(0)).canConfigure, (await identified(1)).canConfigure], [true, false]);
  });

  it('sends a test mail with the dialog’s account, and finds it', async () => {
    const answer = await post('test', account());
    assert.equal(answer.verdict, 'arrived');
    assert.deepEqual(answer.to, [bench.sandbox.account.email]);
    assert.ok((answer.stages as { ok: boolean }[]).every(({ ok }) => ok));
  });

  it('sends no test mail with the stored password to another server', async () => {
    const elsewhere = { ...account(), config: { ...accountConfig(), port: 1 } };
    assert.equal(((await post('test', elsewhere)).error as { code: string }).code, 'bad-input');
  });

  it('says that no camera is chosen', async () => {
    const { error } = await post('plan', { config: defaults, account: account(), cameras: [] });
    assert.equal((error as { message: string }).message, 'No camera is chosen.');
  });

  it('shows what a camera of the dialog would be given, and writes nothing', async () => {
    const before = bench.sandbox.cameras[0]?.device.documents();
    const view = await preview([camera()]);
    assert.equal(view.total, 1);
    const [result] = view.results;
    assert.equal(result?.outcome, 'planned');
    assert.ok(result?.changes.some(({ field, to }) => field === 'server' && to === 'localhost'));
    assert.equal(bench.sandbox.cameras[0]?.device.documents(), before);
    for (const secret of [bench.sandbox.account.appPassword, bench.sandbox.login.password])
      assert.ok(!JSON.stringify(view).includes(secret));
  });

  it('tells for each camera why it cannot be read', async () => {
    const view = await preview([camera({ host: '127.0.0.2' }), camera({}, { username: '', password: '' }), camera()]);
    assert.deepEqual(view.results.map(({ outcome, error }) => error?.code ?? outcome).sort(), ['bad-input', 'bad-input', 'planned']);
  });

  it('lets a dialog look on while the deployed node works', async () => {
    await bench.run({ action: 'verify' });
    const view = (await bench.admin().get('/camera-email/jobs/n1')).body as unknown as LiveView;
    assert.equal(view.action, 'verify');
    assert.equal(view.results.length, 1);
    const rest = (await bench.admin().get(`/camera-email/jobs/n1?run=${view.run}&from=1`)).body as unknown as LiveView;
    assert.deepEqual(rest.results, []);
  });

  it('says how full the queue is, once a node uses it', async () => {
    const queue = async () => (await bench.admin().get('/camera-email/queue/account')).body;
    assert.deepEqual(await queue(), { open: false });
    await bench.unload();
    await bench.load('gmail-app-smtp', { delivery: 'queue', minInterval: 0 });
    await bench.run({ topic: 'Hello', payload: 'you' });
    await until(async () => (await queue()).sentToday === 1 && (await queue()).waiting === 0);
    assert.deepEqual(await queue(), { open: true, waiting: 0, sentToday: 1, dailyLimit: 500, owner: true });
  });
});
