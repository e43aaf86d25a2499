// The other side of bench/fleet.ts, in a process of its own: digest cameras that answer one round trip late, and a mail server.
import { HikvisionSimulator } from '../src/cameras/hikvision/simulator.ts';
import { startMailSandbox } from '../src/sandbox/mail/mail-sandbox.ts';
import type { DevicesReply, DevicesRequest, DevicesSetup } from './fleet.ts';

const setup = JSON.parse(process.argv[2] ?? '') as DevicesSetup;
const tell = (reply: DevicesReply) => process.send?.(reply);
let devices: { simulator: HikvisionSimulator; port: number }[] = [];

/** A connection costs a round trip more: the simulated network is only as far away as the answers are late. */
function delay(simulator: HikvisionSimulator): void {
  const opened = new WeakSet<object>();
  simulator.server.intercept = (request, response) => {
    const trips = opened.has(request.socket) ? 1 : 2;
    opened.add(request.socket);
    const end = response.end.bind(response) as (body?: unknown) => void;
    response.end = ((body?: unknown) => {
      setTimeout(() => end(body), trips * setup.rttMs);
      return response;
    }) as typeof response.end;
    return false;
  };
}

async function replaceDevices(): Promise<void> {
  await Promise.all(devices.map(({ simulator }) => simulator.close()));
  devices = await Promise.all(
    Array.from({ length: setup.count }, async () => {
      const sendMail = async () => ({ ok: true, reply: '250 OK' });
      const simulator = new HikvisionSimulator({ login: setup.login, sendMail, kind: 'camera' });
      delay(simulator);
      return { simulator, port: await simulator.listen() };
    }),
  );
}

async function main(): Promise<void> {
  const mail = await startMailSandbox({ users: [setup.account] });
  process.on('message', async (request: DevicesRequest) => {
    if (request === 'new devices') {
      await replaceDevices();
      tell({ ports: devices.map(({ port }) => port) });
    } else {
      const connections = devices.map(({ simulator }) => simulator.server.connections);
      const challenges = devices.map(({ simulator }) => simulator.guard.counts.challenges);
      const requests = devices.map(({ simulator }) => simulator.server.requests.length);
      for (const { simulator } of devices) {
        simulator.server.connections = 0;
        simulator.server.requests.length = 0;
        simulator.guard.counts.challenges = 0;
      }
      tell({ connections, challenges, requests });
    }
  });
  tell({ mail: { ca: mail.ca, ports: mail.ports } });
}

void main();
