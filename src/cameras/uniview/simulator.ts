import { constants, createPrivateKey, generateKeyPairSync, type KeyObject, privateDecrypt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { SimulatorOptions, SimulatorVariant } from '../../sandbox/camera-simulator.ts';
import { DigestGuard } from '../../sandbox/digest-guard.ts';
import { OnvifService } from '../../sandbox/onvif-service.ts';
import { SimulatedDevice } from '../../sandbox/simulated-device.ts';
import { simulatedJpeg } from '../../sandbox/simulated-jpeg.ts';

export interface UniviewSimulatorOptions extends SimulatorOptions {
  /** The generation: the path of the mail settings and the form of the linkages. */
  generation?: 'channel' | 'channels';
  /** Asks for the login in an answer with status 200. */
  challengeOn200?: boolean;
  /** The password of its ONVIF user, when that is another. */
  onvifPassword?: string;
  /** ONVIF is switched off. */
  withoutOnvif?: boolean;
  /** Firmware without a key for passwords. */
  withoutKey?: boolean;
  /** Refuses a PUT on a connection that has carried a GET. */
  refusesKeptConnections?: boolean;
  lockAfter?: number;
  requestsPerNonce?: number;
}

type Json = Record<string, unknown>;

export const sample = (name: string): string => readFileSync(join(__dirname, 'samples', name), 'utf8');

const EMAIL_PATHS = { channel: '/LAPI/V1.0/Channel/0/NetWork/Email', channels: '/LAPI/V1.0/Channels/0/NetWork/Email' } as const;
const TEST_PATH = '/LAPI/V1.0/NetWork/Email/Test';

const TOPICS: Readonly<Record<string, readonly [topic: string, item: string]>> = {
  motion: ['tns1:RuleEngine/CellMotionDetector/Motion', 'IsMotion'],
  tamper: ['tns1:RuleEngine/TamperDetector/Tamper', 'IsTamper'],
  intrusion: ['tns1:RuleEngine/FieldDetector/ObjectsInside', 'IsInside'],
};

const OK = 0;
const INVALID_PARAMETER = 2;
const NOT_SUPPORTED = 487;
const SERVER_ERROR = 767;
const AUTH_ERROR = 768;
const SEND_FAILED = 769;
const ENCRYPT_FAILED = 770;
const RSA_KEY_ERROR = 801;

/** A camera with the strictness of the real ones: foreign members, types, lengths and keys are refused by number. */
export class UniviewSimulator extends SimulatedDevice<UniviewSimulatorOptions> {
  readonly vendor = 'uniview';
  readonly guard: DigestGuard;
  readonly onvif: OnvifService;
  /** The answer to a request for a picture. */
  image: Buffer | string = simulatedJpeg(506);
  email: Json;
  linkages: Record<string, Json>;
  mailPassword = '';
  #key: KeyObject;
  #generation: 'channel' | 'channels';
  readonly #kept = new WeakSet<object>();

  constructor(options: UniviewSimulatorOptions) {
    super(options);
    this.#generation = options.generation ?? 'channel';
    this.email = JSON.parse(sample('email.json')) as Json;
    this.linkages = JSON.parse(sample(this.#generation === 'channel' ? 'linkages-old.json' : 'linkages-new.json')) as Record<string, Json>;
    this.#key = newKey();
    const { username, password } = options.login;
    const { lockAfter, requestsPerNonce } = options;
    this.guard = new DigestGuard({ realm: 'iMOS', users: { [username]: password }, lockAfter, requestsPerNonce });
    this.onvif = new OnvifService({ login: { username, password: options.onvifPassword ?? password }, guard: this.guard });
  }

  documents(): string {
    return JSON.stringify([this.email, this.linkages]);
  }

  get refusedLogins(): number {
    return this.guard.counts.refused + this.onvif.refusedTokens;
  }

  driftServer(host: string): void {
    this.email.ServerIPAddress = host;
  }

  /** As after a restart: passwords encrypted with the key before are refused. */
  changeKey(): void {
    this.#key = newKey();
  }

  /** Something begins or ends on a channel (from 1). */
  raise(type: string, state: 'active' | 'inactive' = 'active', channel = 1): void {
    const [topic, item] = TOPICS[type] ?? [`tns1:RuleEngine/Example/${type}`, 'State'];
    const source = { VideoSourceConfigurationToken: `vsc_${channel - 1}` };
    this.onvif.events.notify({ topic, operation: 'Changed', source, data: { [item]: String(state === 'active') } });
  }

  protected handle(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
    const body = content.toString('utf8');
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (!this.options.withoutOnvif && this.onvif.handle(path, request, response, body)) return;
    const refusalStatus = this.options.challengeOn200 ? 200 : 401;
    const writeHead = response.writeHead.bind(response);
    response.writeHead = ((status: number, headers: Record<string, string>) =>
      writeHead(status === 401 ? refusalStatus : status, headers)) as typeof response.writeHead;
    if (this.guard.admit(request, response, (locked) => envelope(path, 3, locked ? 364 : 0)) === undefined) return;
    const kept = this.#kept.has(request.socket);
    this.#kept.add(request.socket);
    if (request.method === 'PUT' && kept && this.options.refusesKeptConnections) {
      response.writeHead(500, { 'Content-Type': 'text/html' });
      response.end('HTTP PUT method not implemented');
      return;
    }
    const send = (status: number, data?: unknown) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.end(envelope(path, status === OK ? 0 : 1, status, data));
    };
    if (/^\/LAPI\/V1\.0\/Channels\/\d+\/Media\/Video\/Streams\/0\/Snapshot$/.test(path)) {
      const { image } = this;
      response.writeHead(200, { 'Content-Type': typeof image === 'string' ? 'text/plain' : 'image/jpeg' });
      response.end(image === 'refused' ? envelope(path, 1, NOT_SUPPORTED) : image);
    } else if (request.method === 'GET') {
      const data = this.#document(path);
      send(data === undefined ? NOT_SUPPORTED : OK, data);
    } else if (request.method === 'PUT') {
      void this.#put(path, body).then(send, () => send(INVALID_PARAMETER));
    } else send(NOT_SUPPORTED);
  }

  #document(path: string): unknown {
    if (path === '/LAPI/V1.0/System/DeviceBasicInfo') return JSON.parse(sample('basic-info.json'));
    if (path === EMAIL_PATHS[this.#generation]) return this.email;
    if (path === '/LAPI/V1.0/System/Security/RSA' && !this.options.withoutKey) return keyOf(this.#key);
    return this.linkages[path];
  }

  async #put(path: string, body: string): Promise<number> {
    if (!body.endsWith('\r\n')) return INVALID_PARAMETER;
    const sent = JSON.parse(body) as Json;
    if (path === EMAIL_PATHS[this.#generation]) return this.#putEmail(sent);
    if (path === TEST_PATH) return this.#test(sent);
    const stored = this.linkages[path];
    if (stored === undefined) return NOT_SUPPORTED;
    const [count, list] = 'Num' in stored ? ['Num', 'Actions'] : ['ActNum', 'AlarmActCfg'];
    const actions = sent[list ?? ''];
    if (Object.keys(sent).join() !== `${count},${list}` || !Array.isArray(actions) || sent[count ?? ''] !== actions.length) {
      return INVALID_PARAMETER;
    }
    if (!this.forgetsWrites) this.linkages[path] = sent;
    return OK;
  }

  #putEmail({ PIN, RSAPublicKey, ...email }: Json): number {
    const password = this.#decrypted(PIN, RSAPublicKey);
    if (typeof password === 'number') return password;
    if (!this.#isValid(email, password)) return INVALID_PARAMETER;
    if (this.forgetsWrites) return OK;
    this.email = email;
    this.mailPassword = password ?? this.mailPassword;
    return OK;
  }

  async #test({ PIN, RSAPublicKey, ...email }: Json): Promise<number> {
    const password = this.#decrypted(PIN, RSAPublicKey);
    if (password === INVALID_PARAMETER) return ENCRYPT_FAILED;
    if (typeof password === 'number') return password;
    if (!this.#isValid(email, password)) return INVALID_PARAMETER;
    const sender = email.SenderInfo as Json;
    const login = { username: String(email.LoginName), password: password ?? this.mailPassword };
    const { ok, reply } = await this.options.sendMail({
      brand: 'uniview',
      host: String(email.ServerIPAddress),
      port: Number(email.ServerPort),
      security: email.SSL === 1 ? 'tls' : 'none',
      authentication: email.ServerAuth === 1 ? login : undefined,
      from: String(sender.Address),
      fromName: String(sender.Name),
      to: recipientsOf(email).filter((address) => address !== ''),
      subject: 'E-mail Test',
      body: 'This is a test e-mail.',
    });
    if (ok) return OK;
    return /^53[045]/.test(reply) ? AUTH_ERROR : /^E[A-Z]+$/.test(reply) ? SERVER_ERROR : SEND_FAILED;
  }

  /** The password in a request; undefined when there is none, or the number that it is refused with. */
  #decrypted(pin: unknown, key: unknown): string | number | undefined {
    if (pin === undefined && key === undefined) return undefined;
    if (typeof pin !== 'string' || this.options.withoutKey) return INVALID_PARAMETER;
    if (JSON.stringify(key) !== JSON.stringify(keyOf(this.#key))) return RSA_KEY_ERROR;
    const block = privateDecrypt({ key: this.#key, padding: constants.RSA_NO_PADDING }, Buffer.from(pin, 'base64'));
    const end = block.indexOf(0, 2);
    return block[0] === 0 && block[1] === 2 && end >= 10 ? block.subarray(end + 1).toString('utf8') : INVALID_PARAMETER;
  }

  #isValid(email: Json, password: string | undefined): boolean {
    const short = (value: unknown, most: number) => Buffer.byteLength(String(value)) <= most;
    const { SenderInfo, ServerPort, SSL, ServerAuth, AttachmentInterval, AttachmentType } = email;
    const sender = SenderInfo as Json;
    return (
      sameShape(this.email, email) &&
      [SSL, ServerAuth, AttachmentType].every((flag) => flag === 0 || flag === 1) &&
      Number(ServerPort) >= 1 &&
      Number(ServerPort) <= 65535 &&
      [2, 3, 4, 5].includes(Number(AttachmentInterval)) &&
      [email.ServerIPAddress, sender.Name, sender.Address, password ?? ''].every((value) => short(value, 32)) &&
      [email.LoginName, ...recipientsOf(email)].every((value) => short(value, 48) && /^(\S+@\S+)?$/.test(String(value)))
    );
  }
}

export const variants: readonly SimulatorVariant[] = [
  { name: 'camera', create: (options) => new UniviewSimulator(options) },
  {
    name: 'newer camera',
    create: (options) => new UniviewSimulator({ ...options, generation: 'channels', challengeOn200: true }),
  },
];

function newKey(): KeyObject {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  return createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

function keyOf(key: KeyObject): Json {
  const { e = '', n = '' } = key.export({ format: 'jwk' });
  const hex = (value: string) => Buffer.from(value, 'base64url').toString('hex');
  return { RSAPublicKeyE: hex(e), RSAPublicKeyN: hex(n) };
}

function recipientsOf(email: Json): string[] {
  return ((email.RecipientInfo as Json).Recipients as Json[]).map(({ Address }) => String(Address));
}

/** The same keys in the same order with the same types; lists of the same length. */
function sameShape(stored: unknown, sent: unknown): boolean {
  if (typeof stored !== 'object' || stored === null) return typeof stored === typeof sent;
  if (typeof sent !== 'object' || sent === null || Array.isArray(stored) !== Array.isArray(sent)) return false;
  const entries = Object.entries(stored);
  return (
    Object.keys(sent).join() === entries.map(([key]) => key).join() &&
    entries.every(([key, value]) => sameShape(value, (sent as Json)[key]))
  );
}

function envelope(path: string, responseCode: number, statusCode: number, data: unknown = null): string {
  const text = statusCode === 0 && responseCode === 0 ? 'Succeed' : 'Common Error';
  return JSON.stringify(
    {
      Response: {
        ResponseURL: path,
        CreatedID: -1,
        ResponseCode: responseCode,
        SubResponseCode: 0,
        ResponseString: responseCode === 3 ? 'Not Authorized' : text,
        StatusCode: statusCode,
        StatusString: text,
        Data: data,
      },
    },
    null,
    '\t',
  );
}
