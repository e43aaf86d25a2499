import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message, RuntimeNode } from '../../nodes/shared/node-red.ts';
import { type CameraWish, type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

const helper = require('node-red-node-test-helper') as {
  init(runtime: string): void;
  settings(settings: object): object;
  startServer(done: () => void): void;
  stopServer(done: () => void): void;
  load(nodes: unknown[], flow: object[], credentials: object): Promise<void>;
  unload(): Promise<void>;
  getNode(id: string): RuntimeNode & { receive(message: Message): void; emit(event: string, ...args: unknown[]): boolean };
  request(): { post(path: string): AdminCall; get(path: string): AdminCall };
  log(): { args: unknown[][] };
};

interface AdminCall extends PromiseLike<{ status: number; body: Record<string, unknown> }> {
  send(body: object): AdminCall;
}

const ALL = [
  'gmail-account',
  'camera-device',
  'gmail-app-smtp',
  'configure-camera-email',
  'test-email',
  'camera-events',
  'camera-snapshot',
  'camera-mail-in',
];

export interface Handled {
  each: Message[];
  summary: Message | undefined;
  /** What a Catch node saw in `msg.error`. */
  error: ({ code: string; message: string; advice: string } & Record<string, unknown>) | undefined;
  completed: number;
  /** Messages as Catch and Complete nodes saw them. */
  seen: Message[];
}

/** A flow in Node-RED's own test runtime, on top of a sandbox. */
export class Bench {
  readonly userDir = mkdtempSync(join(tmpdir(), 'camera-email-test-'));
  #received: { at: string; message: Message }[] = [];
  #wake: () => void = () => undefined;

  private constructor(readonly sandbox: Sandbox) {}

  /** `settings`: more of settings.js. */
  static async start(
    wishes: readonly CameraWish[] = [{ name: 'Front', vendor: 'hikvision', variant: 'camera' }],
    settings: object = {},
  ): Promise<Bench> {
    const bench = new Bench(await startSandbox(wishes));
    helper.init(require.resolve('node-red'));
    helper.settings({ ...settings, userDir: bench.userDir });
    await new Promise<void>((ready) => helper.startServer(ready));
    return bench;
  }

  /** Loads one action node with account and cameras. `credentials` overrides those of the sandbox. */
  async load(
    type: string,
    properties: object,
    { account = {}, credentials = {}, more = [] }: { account?: object; credentials?: Record<string, object>; more?: object[] } = {},
  ): Promise<void> {
    const { mail, account: user, cameras, login } = this.sandbox;
    const caNode = {
      id: 'ca',
      type: 'tls-config',
      name: '',
      cert: '',
      key: '',
      ca: '',
      certname: '',
      keyname: '',
      caname: 'ca.pem',
      servername: '',
      verifyservercert: true,
    };
    const accountNode = {
      id: 'account',
      type: 'gmail-account',
      name: 'Home',
      email: user.email,
      service: 'custom',
      security: 'tls',
      host: 'localhost',
      port: mail.ports.smtps,
      imapHost: 'localhost',
      imapPort: mail.ports.imaps,
      imapSecurity: 'tls',
      tls: 'ca',
      ...account,
    };
    const cameraNodes = cameras.map(({ name, port, protocol }, index) => ({
      id: `cam${index}`,
      type: 'camera-device',
      name,
      vendor: 'auto',
      host: '127.0.0.1',
      port,
      protocol,
      trust: 'pin',
    }));
    const flow = [
      caNode,
      accountNode,
      ...cameraNodes,
      ...more,
      { id: 'flow', type: 'tab', label: 'test' },
      {
        id: 'n1',
        z: 'flow',
        x: 1,
        y: 1,
        type,
        account: 'account',
        cameras: cameraNodes.map(({ id }) => id),
        ...properties,
        wires: [['out0'], ['out1']],
      },
      { id: 'out0', z: 'flow', x: 1, y: 1, type: 'helper' },
      { id: 'out1', z: 'flow', x: 1, y: 1, type: 'helper' },
      { id: 'catch', z: 'flow', x: 1, y: 1, type: 'catch', scope: null, uncaught: false, wires: [['caught']] },
      { id: 'complete', z: 'flow', x: 1, y: 1, type: 'complete', scope: ['n1'], uncaught: false, wires: [['completed']] },
      { id: 'caught', z: 'flow', x: 1, y: 1, type: 'helper' },
      { id: 'completed', z: 'flow', x: 1, y: 1, type: 'helper' },
    ];
    const secrets = {
      ca: { cadata: mail.ca },
      account: { appPassword: user.appPassword },
      ...Object.fromEntries(cameraNodes.map(({ id }) => [id, login])),
      ...credentials,
    };
    const modules = [require('@node-red/nodes/core/network/05-tls.js'), ...ALL.map((name) => require(`../../nodes/${name}/${name}.ts`))];
    await helper.load(modules, flow, secrets);
    for (const at of ['out0', 'out1', 'caught', 'completed']) {
      helper.getNode(at).on('input', (message) => {
        this.#received.push({ at, message });
        this.#wake();
      });
    }
  }

  /** Sends one message through the node and waits until it is done with it: for Catch or for Complete. */
  async run(message: Message): Promise<Handled> {
    this.#received = [];
    helper.getNode('n1').receive(message);
    const got = (at: string) => this.#received.filter((one) => one.at === at).map((one) => one.message);
    await this.#until(() => got('caught').length + got('completed').length > 0);
    return {
      each: got('out0'),
      summary: got('out1')[0],
      error: got('caught')[0]?.error as Handled['error'],
      completed: got('completed').length,
      seen: [...got('caught'), ...got('completed')],
    };
  }

  /** What came out of the node so far, or went to Catch. */
  messages(at: 'out0' | 'out1' | 'caught'): Message[] {
    return this.#received.filter((one) => one.at === at).map((one) => one.message);
  }

  /** Resolves when so many messages have come out. */
  async untilMessages(at: 'out0' | 'out1' | 'caught', count: number): Promise<Message[]> {
    await this.#until(() => this.messages(at).length >= count);
    return this.messages(at);
  }

  /** Forgets what came. */
  clear(): void {
    this.#received = [];
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Every status that the nodes have shown. */
  statuses(): unknown[] {
    const node = helper.getNode('n1') as unknown as { status: { args?: unknown[][] } };
    return node.status.args ?? [];
  }

  admin() {
    return helper.request();
  }

  /** Every line that Node-RED logged. */
  logged(): string {
    return JSON.stringify(helper.log().args);
  }

  async unload(): Promise<void> {
    await helper.unload();
  }

  async close(): Promise<void> {
    await helper.unload();
    await new Promise<void>((stopped) => helper.stopServer(stopped));
    await this.sandbox.close();
    // What is known about devices is written a moment later; a file may still come while the folder goes.
    await rm(this.userDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}
