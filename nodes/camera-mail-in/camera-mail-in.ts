import { join } from 'node:path';
import { cancelled } from '../../src/core/deadline.ts';
import { CameraEmailError } from '../../src/core/errors.ts';
import { fileNameFor } from '../../src/core/files.ts';
import { Secret } from '../../src/core/secret.ts';
import { deviceWords } from '../../src/core/text.ts';
import { type ListenerTls, listenerContext, ownCertificates } from '../../src/relay/certificates.ts';
import type { Arrival } from '../../src/relay/incoming.ts';
import { type Relay, startRelay } from '../../src/relay/listener.ts';
import { type ListenerAddress, listenerFor } from '../../src/relay/listener-address.ts';
import type { ReceivedMail } from '../../src/relay/parse.ts';
import { type RelayCamera, recognise } from '../../src/relay/recognise.ts';
import type { CameraDeviceNode } from '../shared/cameras.ts';
import { publicError } from '../shared/errors.ts';
import type { Message, NodeRed, NodeStatus, RuntimeNode } from '../shared/node-red.ts';
import { problems } from '../shared/properties.ts';
import { servicesOf } from '../shared/services.ts';
import { type CameraMailInConfig, migrate, parseUsers, validators } from './config.ts';
import { Outgoing } from './outgoing.ts';
import { say } from './texts.ts';

type Runtime = NodeRed & { events: { once(event: 'flows:started', listener: () => void): void } };

/** A camera-mail-in node at run time, for other nodes. */
export interface CameraMailInNode extends RuntimeNode {
  send(message: Message): void;
  /** Id of the gmail-account that mails are sent on through, or empty. */
  sendsThrough: string;
  /** What has to stand in a camera's mail settings to mail here. Rejects with `bad-input` and `unreachable`. */
  listener(camera: { name: string; host: string }, signal?: AbortSignal): Promise<ListenerAddress>;
}

module.exports = (RED: Runtime) => {
  function CameraMailIn(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const node = this as CameraMailInNode;
    const config = migrate(saved);
    const closing = new AbortController();
    const outgoing = new Outgoing(RED, node, config);
    const show = (status: NodeStatus) => closing.signal.aborted || node.status(status);
    const fail = (error: unknown) => {
      const { message, advice } = publicError(RED, error);
      show({ fill: 'red', shape: 'ring', text: message });
      node.warn(`${message} ${advice}`);
    };
    let mails = 0;
    const starting = start(RED, node, config, saved, outgoing, closing.signal, () => {
      mails += 1;
      show({ fill: 'green', shape: 'dot', text: say(RED, 'received', { port: config.port, count: mails }) });
    });
    starting.then(
      ({ port }) => show({ fill: 'green', shape: 'dot', text: say(RED, 'listening', { port }) }),
      (error: unknown) => closing.signal.aborted || fail(error),
    );
    node.sendsThrough = config.account;
    node.listener = async (camera, signal) => listenerFor({ ...config, users: usersOf(node) }, camera, signal);
    this.on('close', (_removed, done) => {
      closing.abort(cancelled());
      void starting
        .then((relay) => relay.close())
        .catch(() => undefined)
        .then(() => outgoing.close())
        .then(() => done());
    });
  }

  RED.nodes.registerType('camera-mail-in', CameraMailIn, { credentials: { users: { type: 'password' } } });
};

async function start(
  RED: Runtime,
  node: CameraMailInNode,
  config: CameraMailInConfig,
  saved: Record<string, unknown>,
  outgoing: Outgoing,
  signal: AbortSignal,
  onMail: () => void,
): Promise<Relay> {
  // Mails of an earlier run become events at once: the nodes behind this one have to be there.
  await new Promise<void>((resolve) => {
    RED.events.once('flows:started', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  if (signal.aborted) throw cancelled();
  const [problem] = problems(validators, { ...saved, ...config });
  if (problem !== undefined) throw new CameraEmailError('bad-input', problem.reason, { params: { field: problem.field } });
  const { directory } = servicesOf(RED);
  const tls = config.tls === '' ? await ownCertificates(directory, Date.now()) : certificateOf(RED, config.tls);
  return startRelay({
    host: config.host,
    port: config.port,
    auth: config.auth,
    users: usersOf(node),
    allow: config.allow,
    secureContext: listenerContext(tls, config.legacyTls),
    implicitTls: config.implicitTls,
    maxBytes: Math.round(config.maxSize * 1024 * 1024),
    directory: join(directory, 'incoming', fileNameFor(node.id)),
    relay: outgoing.target((arrival) => recognise(NO_MAIL, arrival, camerasOf(RED, config)).camera.name),
    onMail(mail, arrival) {
      node.send(messageFor(mail, arrival, camerasOf(RED, config)));
      onMail();
    },
    onRefusedLogin: (address, username, shutOut) =>
      node.warn(say(RED, shutOut ? 'shut-out' : 'refused', { host: address, value: deviceWords(username, 64) })),
    onProblem: (text) => node.warn(deviceWords(text)),
  });
}

/** Before the mail itself is here, only its arrival tells who sends it. */
const NO_MAIL: ReceivedMail = { from: '', fromAddress: '', to: [], subject: '', text: '', date: '', mailer: '', attachments: [] };

function messageFor(mail: ReceivedMail, arrival: Arrival, cameras: readonly RelayCamera[]): Message {
  const { camera, event } = recognise(mail, arrival, cameras);
  const { from, to, subject, text, date, attachments } = mail;
  return {
    topic: `${camera.name}/${event.type}`,
    payload: { ...event, camera },
    mail: {
      from: from || arrival.envelope.from,
      to: to.length > 0 ? to : arrival.envelope.to,
      subject,
      text,
      date,
      remoteAddress: arrival.remoteAddress,
    },
    ...(attachments.length === 0 ? {} : { attachments }),
  };
}

function usersOf({ credentials }: RuntimeNode): Map<string, Secret> {
  const given = credentials?.users ?? '';
  const users = parseUsers(given);
  if (users === undefined && given !== '')
    throw new CameraEmailError('bad-input', 'the logins cannot be read', { params: { field: 'users' } });
  return new Map([...(users ?? [])].map(([name, password]) => [name, new Secret(password)]));
}

function camerasOf(RED: NodeRed, { cameras }: CameraMailInConfig): RelayCamera[] {
  const ids = [...cameras];
  if (ids.length === 0) RED.nodes.eachNode(({ id, type }) => type === 'camera-device' && ids.push(id));
  return ids.flatMap((id) => {
    const node = RED.nodes.getNode(id) as Partial<CameraDeviceNode> | null;
    if (node?.type !== 'camera-device' || typeof node.target !== 'function') return [];
    try {
      const { name, vendor, channel, address } = node.target();
      return [{ id, name, vendor, channel, host: address.host }];
    } catch {
      // A camera without a login can still mail.
      return node.name === undefined || node.name === '' ? [] : [{ id, name: node.name, vendor: 'auto', channel: 1, host: '' }];
    }
  });
}

function certificateOf(RED: NodeRed, id: string): ListenerTls {
  const node = RED.nodes.getNode(id) as { addTLSOptions?(options: object): Record<string, unknown> } | null;
  const { cert, key, ca, passphrase } = node?.addTLSOptions?.({}) ?? {};
  if (!cert || !key) throw new CameraEmailError('bad-input', 'the TLS settings have no certificate and key', { params: { field: 'tls' } });
  const pem = (value: unknown) => (value === undefined || value === '' ? undefined : String(value));
  return { cert: String(cert), key: String(key), ca: pem(ca), passphrase: pem(passphrase) };
}
