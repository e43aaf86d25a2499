import { CameraEmailError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { addressToward } from './own-address.ts';

export interface ListenerSettings {
  host: string;
  port: number;
  auth: 'login' | 'network';
  implicitTls: boolean;
  users: ReadonlyMap<string, Secret>;
}

/** What has to stand in a camera's mail settings to mail to the listener. */
export interface ListenerAddress {
  /** As the camera sees it. */
  host: string;
  port: number;
  /** What the listener offers on that port, the best first. */
  securities: readonly ('tls' | 'starttls' | 'none')[];
  authentication: boolean;
  /** The login of the camera's own name when there is one, else the first. Empty without a login. */
  username: string;
  password: Secret;
}

/** Rejects with `bad-input` (field `users`) when a login is needed and there is none, with `unreachable` when no way leads to the camera. */
export async function listenerFor(
  { host, port, auth, implicitTls, users }: ListenerSettings,
  camera: { name: string; host: string },
  signal?: AbortSignal,
): Promise<ListenerAddress> {
  const [first] = users;
  const own = [...users].find(([name]) => name.toLowerCase() === camera.name.toLowerCase()) ?? first;
  if (auth === 'login' && own === undefined) throw new CameraEmailError('bad-input', 'there is no login', { params: { field: 'users' } });
  const everywhere = host === '' || host === '0.0.0.0' || host === '::';
  return {
    host: everywhere ? await addressToward(camera.host, signal) : host,
    port,
    securities: implicitTls ? ['tls'] : ['starttls', 'none'],
    authentication: auth === 'login',
    username: auth === 'login' ? (own?.[0] ?? '') : '',
    password: auth === 'login' ? (own?.[1] ?? new Secret('')) : new Secret(''),
  };
}
