import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CameraMail, CameraMailer } from '../../../sandbox/camera-simulator.ts';
import type { DigestGuard } from '../../../sandbox/digest-guard.ts';
import { loginAnswer } from '../rpc2.ts';

export interface SimulatedRpc2Options {
  login: { username: string; password: string };
  realm: string;
  /** Counts and locks logins for both interfaces of the device. */
  guard: DigestGuard;
  /** `instance`: only after netApp.factory.instance; `absent`: firmware that has no such method. */
  test: 'direct' | 'instance' | 'absent';
  sessionLimit: number;
  sendMail: CameraMailer;
  mail(): CameraMail;
}

interface Session {
  random: string;
  loggedIn: boolean;
  cookie: string;
}

interface RpcRequest {
  method?: unknown;
  params?: Record<string, unknown> | null;
  session?: unknown;
  object?: unknown;
  id?: unknown;
}

const INSTANCE = 49_317_120;

/** The JSON interface behind the web page: challenge login, counted sessions, the test mail. */
export class SimulatedRpc2 {
  /** Requests by method, in order. */
  readonly calls: string[] = [];
  readonly #sessions = new Map<string, Session>();
  #instance = false;

  constructor(private readonly options: SimulatedRpc2Options) {}

  /** Sessions that are logged in and not out again. */
  get openSessions(): number {
    return [...this.#sessions.values()].filter(({ loggedIn }) => loggedIn).length;
  }

  handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    let call: RpcRequest;
    try {
      call = JSON.parse(body.toString('utf8')) as RpcRequest;
    } catch {
      response.writeHead(400).end();
      return;
    }
    this.calls.push(String(call.method));
    const answer = (content: Record<string, unknown>) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ id: call.id, ...content }));
    };
    if (request.url === '/RPC2_Login') {
      if (call.method === 'global.login') answer(this.#login(call, response));
      else answer(failure(268894209, 'Request invalid!'));
      return;
    }
    const session = this.#sessions.get(String(call.session));
    const cookies = String(request.headers.cookie ?? '').split('; ');
    if (session?.loggedIn !== true || !cookies.includes(`WebClientHttpSessionID=${session.cookie}`)) {
      answer(failure(287637504, 'Invalid session in request data!'));
      return;
    }
    void this.#call(call).then((content) => answer({ ...content, session: call.session }));
  }

  #login({ params, session }: RpcRequest, response: ServerResponse): Record<string, unknown> {
    const { login, realm, guard } = this.options;
    if (guard.locked)
      return { ...failure(268632081, 'Component error: User is locked!'), params: { remainLockSecond: 1800, remainLoginTimes: 0 } };
    if (params?.clientType !== 'Web3.0' || params.loginType !== 'Direct') return failure(268894211, 'Invalid param!');
    if (params.password === '') {
      const id = randomBytes(16).toString('hex');
      const random = String(randomBytes(4).readUInt32BE());
      this.#sessions.set(id, { random, loggedIn: false, cookie: '' });
      const challenge = { encryption: 'Default', mac: '001122334455', random, realm };
      return { ...failure(268632079, 'Component error: login challenge!'), params: challenge, session: id };
    }
    const known = this.#sessions.get(String(session));
    this.#sessions.delete(String(session));
    if (known === undefined) return failure(287637504, 'Invalid session in request data!');
    const right = loginAnswer(login.username, login.password, realm, known.random);
    if (params.userName !== login.username || params.password !== right) {
      guard.counts.refused += 1;
      const { lockAfter = 0 } = guard.options;
      if (lockAfter > 0 && guard.counts.refused >= lockAfter) guard.locked = true;
      const left = Math.max(0, (lockAfter || 5) - guard.counts.refused);
      const told = { remainLockSecond: guard.locked ? 1800 : 0, remainLoginTimes: left };
      return { ...failure(268632085, 'Component error: User or password not valid!'), params: told, session: 2_147_483_643 };
    }
    if (this.openSessions >= this.options.sessionLimit) return failure(268632075, 'Component error: user is busy!');
    const id = randomBytes(16).toString('hex');
    const cookie = randomBytes(8).toString('hex');
    this.#sessions.set(id, { random: '', loggedIn: true, cookie });
    response.setHeader('Set-Cookie', `WebClientHttpSessionID=${cookie}; path=/; HttpOnly`);
    return { params: { keepAliveInterval: 60 }, result: true, session: id };
  }

  async #call({ method, params, session, object }: RpcRequest): Promise<Record<string, unknown>> {
    const { test, sendMail, mail } = this.options;
    if (params !== null) return failure(268894211, 'Invalid param!');
    if (method === 'global.logout') {
      this.#sessions.delete(String(session));
      return { result: true };
    }
    if (method === 'netApp.factory.instance' && test === 'instance') {
      this.#instance = true;
      return { result: INSTANCE };
    }
    if (method !== 'netApp.sendTestMail' || test === 'absent') return failure(268894210, 'Method not found!');
    if (test === 'instance' && !(this.#instance && object === INSTANCE)) return failure(268632064, 'Interface not found!');
    const { ok } = await sendMail(mail());
    return ok ? { result: true } : failure(268959743, 'Send mail failed!');
  }
}

function failure(code: number, message: string): Record<string, unknown> {
  return { error: { code, message }, result: false };
}
