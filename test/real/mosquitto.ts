import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../src/sandbox/free-port.ts';
import { isOpen } from '../ports.ts';
import { Waiting } from '../waiting.ts';

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
  readonly #waiting = new Waiting();

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
        this.#waiting.wake();
      });
    }
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    const until = Date.now() + 10_000;
    while (!(await isOpen(this.port))) {
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
    await this.#waiting.until(granted);
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
  readonly #waiting = new Waiting();

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload, { retain }) => {
      this.messages.push({ topic, payload, retain });
      this.#waiting.wake();
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
  until<T>(look: () => T | undefined | false): Promise<T> {
    return this.#waiting.until(look);
  }

  async publish(topic: string, payload: string | Buffer, options: { retain?: boolean } = {}): Promise<void> {
    await this.#client.publishAsync(topic, payload, { qos: 1, ...options });
  }

  close(): Promise<void> {
    return this.#client.endAsync(true);
  }
}
