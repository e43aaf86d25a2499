import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '../../nodes/shared/node-red.ts';
import { type CameraWish, type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { Waiting } from '../waiting.ts';
import { accountNodes, accountSecrets, CATCH, cameraNodes, onTab, TAB } from './flow.ts';
import { modules, runtime, startRuntime, stopRuntime } from './runtime.ts';

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
  readonly #waiting = new Waiting();

  private constructor(readonly sandbox: Sandbox) {}

  /** `settings`: more of settings.js. */
  static async start(
    wishes: readonly CameraWish[] = [{ name: 'Front', vendor: 'hikvision', variant: 'camera' }],
    settings: object = {},
  ): Promise<Bench> {
    const bench = new Bench(await startSandbox(wishes));
    await startRuntime({ ...settings, userDir: bench.userDir });
    return bench;
  }

  /** Loads one action node with account and cameras. `credentials` overrides those of the sandbox. */
  async load(
    type: string,
    properties: object,
    { account = {}, credentials = {}, more = [] }: { account?: object; credentials?: Record<string, object>; more?: object[] } = {},
  ): Promise<void> {
    const { mail, login } = this.sandbox;
    const imap = { imapHost: 'localhost', imapPort: mail.ports.imaps, imapSecurity: 'tls' };
    const cameras = cameraNodes(this.sandbox);
    const ids = cameras.map(({ id }) => id);
    const flow = [
      ...accountNodes(this.sandbox, { ...imap, ...account }),
      ...cameras,
      ...more,
      TAB,
      onTab('n1', type, { account: 'account', cameras: ids, ...properties, wires: [['out0'], ['out1']] }),
      onTab('out0', 'helper'),
      onTab('out1', 'helper'),
      ...CATCH,
      onTab('complete', 'complete', { scope: ['n1'], uncaught: false, wires: [['completed']] }),
      onTab('completed', 'helper'),
    ];
    const secrets = { ...accountSecrets(this.sandbox), ...Object.fromEntries(ids.map((id) => [id, login])), ...credentials };
    await runtime.load(modules(...ALL), flow, secrets);
    for (const at of ['out0', 'out1', 'caught', 'completed']) {
      runtime.getNode(at).on('input', (message) => {
        this.#received.push({ at, message });
        this.#waiting.wake();
      });
    }
  }

  /** Sends one message through the node and waits until it is done with it: for Catch or for Complete. */
  async run(message: Message): Promise<Handled> {
    this.#received = [];
    runtime.getNode('n1').receive(message);
    const got = (at: string) => this.#received.filter((one) => one.at === at).map((one) => one.message);
    await this.#waiting.until(() => got('caught').length + got('completed').length > 0);
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
    await this.#waiting.until(() => this.messages(at).length >= count);
    return this.messages(at);
  }

  /** Forgets what came. */
  clear(): void {
    this.#received = [];
  }

  /** Every status that the nodes have shown. */
  statuses(): unknown[] {
    const node = runtime.getNode('n1') as unknown as { status: { args?: unknown[][] } };
    return node.status.args ?? [];
  }

  admin() {
    return runtime.request();
  }

  async unload(): Promise<void> {
    await runtime.unload();
  }

  async close(): Promise<void> {
    await stopRuntime();
    await this.sandbox.close();
    // What is known about devices is written a moment later; a file may still come while the folder goes.
    await rm(this.userDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}
