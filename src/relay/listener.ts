import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import type { SecureContext } from 'node:tls';
import { asCameraEmailError, CameraEmailError, isCameraEmailError } from '../core/errors.ts';
import { Lane } from '../core/lane.ts';
import { LIMITS } from '../core/limits.ts';
import type { Secret } from '../core/secret.ts';
import { messageIdOf } from '../mail/compose.ts';
import { decodeWords } from '../mail/encoded-words.ts';
import type { Forward } from './forward.ts';
import { fieldsOf, rewriteHeader } from './header.ts';
import { type Arrival, IncomingSpool, type IncomingWriter, type StoredMail } from './incoming.ts';
import { parseMail, type ReceivedMail } from './parse.ts';
import { Policy, plainAddress } from './policy.ts';
import type { MailSink, Patience } from './receive-mail.ts';
import { Session, type SessionServices } from './session.ts';
import { Wire } from './wire.ts';

export interface RelayOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  auth: 'login' | 'network';
  users: ReadonlyMap<string, Secret>;
  allow: readonly string[];
  secureContext: SecureContext;
  /** TLS from the first byte instead of STARTTLS on offer. */
  implicitTls: boolean;
  /** Of one mail. */
  maxBytes: number;
  /** Default: LIMITS.relay. */
  patience?: Partial<Patience> | undefined;
  /** Where accepted mails lie until they are events. */
  directory: string;
  /** Undefined: mails become events and nothing more. */
  relay?: RelayTarget | undefined;
  /** One mail at a time, in the order they were accepted; after a crash one may come twice. */
  onMail(mail: ReceivedMail, arrival: Arrival): void | Promise<void>;
  onRefusedLogin(address: string, username: string, shutOut: boolean): void;
  /** Damaged files, full disks: what somebody should know, in plain English. */
  onProblem(problem: string): void;
}

export interface RelayTarget {
  forward: Forward;
  /** The account's address, for mails whose sender is missing or broken. */
  sender: string;
  to: readonly string[];
  senderName(arrival: Arrival): string;
}

export interface Relay {
  readonly port: number;
  /** Stops listening and ends the connections. Accepted mails that are no events yet stay on disk for the next start. */
  close(): Promise<void>;
}

/** Listens. Rejects with `bad-input` (params `field`) when the networks, the host or the port cannot be used. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const policy = new Policy({ ...options, now: () => Date.now() });
  const spool = new IncomingSpool(options.directory, options.onProblem);
  const events = new EventQueue(spool, options);
  for (const mail of await spool.open()) events.add(mail);
  const closing = new AbortController();
  const services: SessionServices = {
    name: hostname().replace(/[^\w.-]+/g, '-') || 'localhost',
    policy,
    secureContext: options.secureContext,
    startTls: !options.implicitTls,
    maxBytes: options.maxBytes,
    receiver: { begin: (sender) => beginMail(spool, options, events, sender) },
    patience: { ...LIMITS.relay, ...options.patience },
    onRefusedLogin: options.onRefusedLogin,
    signal: closing.signal,
  };
  const connections = new Map<Wire, Promise<void>>();
  const server = createServer({ highWaterMark: LIMITS.relay.writeBytes }, (socket) => {
    const address = plainAddress(socket.remoteAddress);
    const refusal = policy.enter(address);
    if (refusal !== undefined) {
      turnAway(socket, refusal, options.implicitTls);
      return;
    }
    const wire = new Wire(socket);
    const conversation = converse(wire, address, services, options.implicitTls).finally(() => {
      policy.left(address);
      connections.delete(wire);
    });
    connections.set(wire, conversation);
  });
  await listening(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      closing.abort();
      for (const wire of connections.keys()) wire.destroy();
      await Promise.allSettled(connections.values());
      await closed;
      await events.close();
    },
  };
}

async function converse(wire: Wire, address: string, services: SessionServices, implicitTls: boolean): Promise<void> {
  try {
    if (implicitTls) await wire.encrypt(services.secureContext);
    await new Session(wire, address, services).run();
    wire.end();
  } catch (error) {
    if (isCameraEmailError(error, 'timeout')) await wire.write('421 4.4.2 Too slow, closing\r\n', Date.now()).catch(() => undefined);
    wire.end();
  }
}

function turnAway(socket: Socket, reply: string, implicitTls: boolean): void {
  socket.on('error', () => undefined);
  if (implicitTls) socket.destroy();
  else new Wire(socket).refuse(reply);
}

async function listening(server: Server, { host, port }: RelayOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((cause: NodeJS.ErrnoException) => {
    const field = cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND' ? 'listenHost' : 'listenPort';
    throw new CameraEmailError('bad-input', `cannot listen on ${host}:${port}: ${cause.message}`, { params: { field, host, port }, cause });
  });
}

async function beginMail(
  spool: IncomingSpool,
  options: RelayOptions,
  events: EventQueue,
  sender: Omit<Arrival, 'id' | 'receivedAt'>,
): Promise<MailSink> {
  if (!spool.hasRoom) throw new CameraEmailError('spool-full', 'too many mails wait for the flow');
  const now = new Date();
  const arrival: Arrival = { ...sender, id: spool.newId(now.getTime()), receivedAt: now.toISOString() };
  const writer = await spool.begin(arrival);
  return new Incoming(spool, writer, options, events);
}

/** One mail on its way in: rewrites its header as soon as it is whole, and stores the rest as it comes. */
class Incoming implements MailSink {
  #header: Buffer | undefined = Buffer.alloc(0);
  #messageId = '';
  #subject = '';

  constructor(
    readonly spool: IncomingSpool,
    readonly writer: IncomingWriter,
    readonly options: RelayOptions,
    readonly events: EventQueue,
  ) {}

  async write(pieces: readonly Buffer[]): Promise<void> {
    if (this.#header === undefined) return this.writer.write(pieces);
    this.#header = Buffer.concat([this.#header, ...pieces]);
    const end = this.#header.subarray(0, 2).toString() === '\r\n' ? 0 : this.#header.indexOf('\r\n\r\n') + 2;
    const found = end !== 1;
    if (!found && this.#header.length <= LIMITS.relay.headerBytes) return;
    if (!found || end > LIMITS.relay.headerBytes) throw new CameraEmailError('message-too-large', 'the header is too large');
    await this.#begin(this.#header.subarray(0, end), this.#header.subarray(end + 2));
  }

  async accept(): Promise<string> {
    const { spool, writer, options } = this;
    const { relay } = options;
    try {
      if (this.#header !== undefined) await this.#begin(this.#header, Buffer.alloc(0));
      await writer.close(relay === undefined);
      const { file, offset, bytes, arrival } = writer;
      await relay?.forward({ file, offset, bytes, messageId: this.#messageId, subject: this.#subject, to: relay.to, id: arrival.id });
      this.events.add(await spool.keep(writer, { synced: relay === undefined }));
      return arrival.id;
    } catch (thrown) {
      await this.discard();
      const error = asCameraEmailError(thrown);
      options.onProblem(`a mail could not be taken: ${error.message}`);
      throw error;
    }
  }

  discard(): Promise<void> {
    return this.writer.discard();
  }

  async #begin(raw: Buffer, body: Buffer): Promise<void> {
    const { relay } = this.options;
    const { arrival } = this.writer;
    const { header, hops } = rewriteHeader(raw, {
      sender: relay?.sender ?? 'camera@camera-email.invalid',
      senderName: relay?.senderName(arrival) ?? '',
      recipients: relay?.to ?? arrival.envelope.to,
      receivedAt: new Date(arrival.receivedAt),
      from: { heloName: arrival.heloName, address: arrival.remoteAddress },
    });
    if (hops > LIMITS.relay.hops) throw new CameraEmailError('mail-protocol', 'the mail goes round in circles');
    this.#header = undefined;
    this.#messageId = messageIdOf(header);
    this.#subject = decodeWords(fieldsOf(header).find(({ name }) => name.toLowerCase() === 'subject')?.value ?? '');
    await this.writer.write([header, body]);
  }
}

/** Mails on disk become events one after the other, so that memory holds the pictures of one. */
class EventQueue {
  readonly #lane = new Lane();
  readonly #spool: IncomingSpool;
  readonly #options: RelayOptions;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(spool: IncomingSpool, options: RelayOptions) {
    this.#spool = spool;
    this.#options = options;
  }

  add(mail: StoredMail): void {
    this.#last = this.#lane.run(undefined, () => this.#handle(mail));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  async #handle(mail: StoredMail): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#options.onMail(await parseMail(this.#spool.read(mail)), mail.arrival);
      await this.#spool.remove(mail);
    } catch (error) {
      this.#options.onProblem(`a mail could not be read: ${error instanceof Error ? error.message : String(error)}`);
      await this.#spool.setAside(mail);
    }
  }
}
