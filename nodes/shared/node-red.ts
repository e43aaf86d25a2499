/** The part of Node-RED's runtime API that the nodes use. */
export interface Message {
  _msgid?: string;
  topic?: unknown;
  payload?: unknown;
  [key: string]: unknown;
}

export interface NodeStatus {
  fill?: 'red' | 'green' | 'yellow' | 'blue' | 'grey';
  shape?: 'ring' | 'dot';
  text?: string;
}

export type Send = (message: Message | (Message | null)[]) => void;
export type Done = (error?: Error) => void;

export interface RuntimeNode {
  id: string;
  type: string;
  name?: string;
  credentials?: Record<string, string | undefined>;
  on(event: 'input', listener: (this: RuntimeNode, message: Message, send: Send, done: Done) => void): void;
  on(event: 'close', listener: (this: RuntimeNode, removed: boolean, done: () => void) => void): void;
  status(status: NodeStatus): void;
  warn(text: string): void;
  log(text: string): void;
}

export interface AdminRequest {
  body: unknown;
  params: Record<string, string | undefined>;
  query: Record<string, unknown>;
}

export interface AdminResponse {
  status(code: number): AdminResponse;
  json(body: unknown): void;
}

type Handler = (request: AdminRequest, response: AdminResponse, next: () => void) => void;

export interface NodeRed {
  nodes: {
    createNode(node: RuntimeNode, config: object): void;
    registerType(type: string, create: (this: RuntimeNode, config: Record<string, unknown>) => void, options?: object): void;
    getNode(id: string): unknown;
    getCredentials(id: string): Record<string, string | undefined> | undefined;
    eachNode(visit: (config: { id: string; type: string; name?: string }) => void): void;
  };
  settings: { userDir?: string; cameraEmail?: unknown };
  log: { warn(text: string): void };
  httpAdmin: { get(path: string, ...handlers: Handler[]): void; post(path: string, ...handlers: Handler[]): void };
  auth: { needsPermission(permission: string): Handler };
  util: { cloneMessage(message: Message): Message };
  _(key: string, values?: Record<string, string | number>): string;
}
