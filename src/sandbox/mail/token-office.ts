import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SandboxUser } from './accounts.ts';

export interface TokenRequest {
  clientId: string;
  /** `answered`: as `answer` says, whatever was asked. */
  outcome: 'granted' | 'invalid_request' | 'invalid_client' | 'invalid_grant' | 'answered';
}

/** https://oauth2.googleapis.com/token: hands out access tokens for refresh tokens. */
export class TokenOffice {
  /** In the order they came. */
  readonly requests: TokenRequest[] = [];
  lifetimeSeconds = 3_599;
  /** Said to every request in place of what is right; `drop` hangs up. */
  answer: { status: number; body: string } | 'drop' | undefined;
  readonly #users: readonly SandboxUser[];
  readonly #valid = new Map<string, string>();
  #server: Server | undefined;

  constructor(users: readonly SandboxUser[]) {
    this.#users = users;
  }

  get url(): string {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return `https://localhost:${address?.port ?? 0}/token`;
  }

  isValid(user: string, token: string): boolean {
    return this.#valid.get(token) === user.toLowerCase();
  }

  /** Access tokens handed out so far are worth nothing any more. */
  withdraw(): void {
    this.#valid.clear();
  }

  async listen(host: string, port: number, certificate: { cert: string; key: string }): Promise<void> {
    const { cert, key } = certificate;
    this.#server = createServer({ cert, key }, (request, response) => void this.#serve(request, response));
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    const server = this.#server;
    server?.closeAllConnections();
    if (server?.listening) await new Promise((resolve) => server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request) body += part;
    const form = new URLSearchParams(body);
    const clientId = form.get('client_id') ?? '';
    if (this.answer === 'drop') {
      this.requests.push({ clientId, outcome: 'answered' });
      request.socket.destroy();
      return;
    }
    if (this.answer !== undefined) {
      this.requests.push({ clientId, outcome: 'answered' });
      response.writeHead(this.answer.status, { 'content-type': 'application/json' }).end(this.answer.body);
      return;
    }
    const { outcome, status, ...answer } = this.#judge(request, form);
    this.requests.push({ clientId, outcome });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #judge({ method, url, headers }: IncomingMessage, form: URLSearchParams) {
    const wellFormed = method === 'POST' && url === '/token' && headers['content-type'] === 'application/x-www-form-urlencoded';
    const refuse = (error: Exclude<TokenRequest['outcome'], 'granted' | 'answered'>, status: number, description: string) => {
      return { outcome: error, status, error, error_description: description };
    };
    if (!wellFormed || form.get('grant_type') !== 'refresh_token') return refuse('invalid_request', 400, 'Invalid grant_type');
    const clients = this.#users.filter(({ oauth2 }) => oauth2?.clientId === form.get('client_id'));
    const client = clients.filter(({ oauth2 }) => oauth2?.clientSecret === form.get('client_secret'));
    if (client.length === 0) return refuse('invalid_client', 401, 'Unauthorized');
    const user = client.find(({ oauth2 }) => oauth2?.refreshToken === form.get('refresh_token'));
    if (user === undefined) return refuse('invalid_grant', 400, 'Token has been expired or revoked.');
    const token = `ya29.${randomBytes(24).toString('base64url')}`;
    this.#valid.set(token, user.email.toLowerCase());
    return {
      outcome: 'granted' as const,
      status: 200,
      access_token: token,
      expires_in: this.lifetimeSeconds,
      scope: 'https://mail.google.com/',
      token_type: 'Bearer',
    };
  }
}
