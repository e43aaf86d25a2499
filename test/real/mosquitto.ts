import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The part of the MQTT client of Node-RED's own mqtt nodes that the tests use. */
interface MqttClient {
  on(event: 'message', listener: (topic: string, payload: Buffer, packet: { retain: boolean; qos: number }) => void): void;
  subscribeAsync(topic: string, options: { qos: 0 | 1 }): Promise<unknown>;
  publishAsync(topic: string, payload: string | Buffer, options: { qos: 0 | 1; retain?: boolean }): Promise<unknown>;
  endAsync(force?: boolean): Promise<void>;
}

const { connectAsync } = require('mqtt') as { connectAsync(url: string, options: object): Promise<MqttClient> };

/** A real mosquitto on loopback, which keeps its sessions and retained messages over a restart. */
export class Mosquitto {
  readonly #directory = mkdtempSync(join(tmpdir(), 'camera-email-mosquitto-'));
  #process: ChildProcess | undefined;
  #output = '';
  #wake: () => void = () => undefined;

  private constructor(readonly port: number) {}

  static async start(): Promise<Mosquitto> {
    const broker = new Mosquitto(await freePort());
    await broker.start();
    return broker;
  }

  async start(): Promise<void> {
    const config = join(this.#directory, 'mosquitto.conf');
    // mosquitto gives up root's rights, and could not write into a directory of root.
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence true',
      'log_type all',
      `persistence_location ${this.#directory}/`,
      ...(process.getuid?.() === 0 ? ['user root'] : []),
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const child = spawn('mosquitto', ['-c', config], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
        this.#wake();
      });
    }
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    const until = Date.now() + 10_000;
    while (!(await answers(this.port))) {
      if (failure !== undefined) throw failure;
      assert.equal(child.exitCode, null, `mosquitto ended:\n${this.#output}`);
      assert.ok(Date.now() < until, `mosquitto does not listen:\n${this.#output}`);
      await delay(50);
    }
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves when the broker has granted a subscription whose topic ends so, after that much of its output. */
  async subscribed(topicEnd: string, from: number): Promise<void> {
    const granted = () => {
      const since = this.#output.slice(from);
      const asked = since.indexOf(`${topicEnd} (QoS`);
      return asked >= 0 && since.indexOf('Sending SUBACK', asked) >= 0;
    };
    while (!granted()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** As a service is stopped: it saves what it keeps. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }

  client(options: object = {}): Promise<MqttClient> {
    return connectAsync(`mqtt://127.0.0.1:${this.port}`, { reconnectPeriod: 200, ...options });
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Follows all topics, as Home Assistant or an office would. */
export class Listener {
  readonly messages: { topic: string; payload: Buffer; retain: boolean }[] = [];
  readonly #client: MqttClient;
  #wake: () => void = () => undefined;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload, { retain }) => {
      this.messages.push({ topic, payload, retain });
      this.#wake();
    });
  }

  static async on(broker: Mosquitto): Promise<Listener> {
    const listener = new Listener(await broker.client());
    await listener.#client.subscribeAsync('#', { qos: 1 });
    return listener;
  }

  /** The newest message of each topic that matches. */
  last(topic: RegExp): Map<string, Buffer> {
    return new Map(this.messages.filter((one) => topic.test(one.topic)).map((one) => [one.topic, one.payload]));
  }

  /** Resolves with what `look` finds, after as many messages as it takes. */
  async until<T>(look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async publish(topic: string, payload: string | Buffer, options: { retain?: boolean } = {}): Promise<void> {
    await this.#client.publishAsync(topic, payload, { qos: 1, ...options });
  }

  close(): Promise<void> {
    return this.#client.endAsync(true);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await once(server.close(), 'close');
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}
