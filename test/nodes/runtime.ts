import type { Message, RuntimeNode } from '../../nodes/shared/node-red.ts';

export type TestNode = RuntimeNode & { receive(message: Message): void; emit(event: string, ...args: unknown[]): boolean };

interface AdminCall extends PromiseLike<{ status: number; body: Record<string, unknown> }> {
  send(body: object): AdminCall;
}

/** Node-RED's own test runtime: one in a process. */
export const runtime = require('node-red-node-test-helper') as {
  init(runtime: string): void;
  settings(settings: object): object;
  startServer(done: () => void): void;
  stopServer(done: () => void): void;
  load(nodes: unknown[], flow: object[], credentials: object): Promise<void>;
  setFlows(flow: object[], type: string): Promise<void>;
  unload(): Promise<void>;
  getNode<T extends RuntimeNode = TestNode>(id: string): T;
  request(): { post(path: string): AdminCall; get(path: string): AdminCall };
  log(): { args: unknown[][] };
};

/** `settings`: what stands in settings.js. */
export async function startRuntime(settings: { userDir: string } & Record<string, unknown>): Promise<void> {
  runtime.init(require.resolve('node-red'));
  runtime.settings(settings);
  await new Promise<void>((ready) => runtime.startServer(ready));
}

export async function stopRuntime(): Promise<void> {
  await runtime.unload();
  await new Promise<void>((stopped) => runtime.stopServer(stopped));
}

/** Every line that Node-RED logged. */
export const logged = () => JSON.stringify(runtime.log().args);

/** What `runtime.load` wants of our nodes; tls-config always comes along. */
export const modules = (...types: string[]): unknown[] => [
  require('@node-red/nodes/core/network/05-tls.js'),
  ...types.map((type) => require(`../../nodes/${type}/${type}.ts`)),
];
