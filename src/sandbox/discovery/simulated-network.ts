import type { Destination, Via } from '../../discovery/found-camera.ts';
import type { SandboxCamera } from '../sandbox.ts';
import { answerMdns } from './mdns.ts';
import { answerProbe } from './onvif.ts';
import { type Announced, type Respond, type Responder, startResponder } from './responder.ts';
import { answerDhip, answerSadp, answerWisenet } from './vendors.ts';

const PROTOCOLS: Readonly<Record<Via, Respond>> = {
  onvif: answerProbe,
  sadp: answerSadp,
  dhip: answerDhip,
  wisenet: answerWisenet,
  mdns: answerMdns,
};

/** Brand and model by vendor and variant, and the vendor's own protocol beside ONVIF. */
const MODELS: Readonly<Record<string, { brand: string; models: Readonly<Record<string, string>>; own?: Via }>> = {
  hikvision: { brand: 'Hikvision', models: { camera: 'DS-2CD2143G2-I', recorder: 'DS-7608NXI-I2' }, own: 'sadp' },
  dahua: { brand: 'Dahua', models: { camera: 'IPC-HFW2431S' }, own: 'dhip' },
  hanwha: { brand: 'Hanwha Vision', models: { camera: 'XNV-8080R' }, own: 'wisenet' },
  axis: { brand: 'Axis', models: { camera: 'P3245-V' }, own: 'mdns' },
  reolink: { brand: 'Reolink', models: { camera: 'RLC-810A' } },
  foscam: { brand: 'Foscam', models: { camera: 'FI9900P' } },
  uniview: { brand: 'Uniview', models: { camera: 'IPC3614LB-SF28' } },
  vivotek: { brand: 'Vivotek', models: { camera: 'IB8369A' } },
  onvif: { brand: 'Example', models: { camera: 'EX-1' } },
};

/** Where a scan has to ask instead of the real network. */
export type SimulatedDestinations = Record<Via, Destination[]>;

export interface SimulatedNetwork {
  destinations: SimulatedDestinations;
  responders: readonly Responder[];
  close(): Promise<void>;
}

/** The network in which the sandbox's cameras answer scans, each on UDP ports of its own, and one more that is fresh from the factory. */
export async function startSimulatedNetwork(
  cameras: readonly Pick<SandboxCamera, 'vendor' | 'variant' | 'port' | 'protocol'>[],
  freshPort?: number,
): Promise<SimulatedNetwork> {
  const responders: Responder[] = [];
  const destinations: SimulatedDestinations = { onvif: [], sadp: [], dhip: [], wisenet: [], mdns: [] };
  const add = async (via: Via, device: Announced) => {
    const responder = await startResponder(PROTOCOLS[via], device);
    responders.push(responder);
    destinations[via].push({ address: '127.0.0.1', port: responder.port });
  };
  for (const [index, { vendor, variant, port, protocol }] of cameras.entries()) {
    const { brand = vendor, models = {}, own } = MODELS[vendor] ?? {};
    const device = announced(index, brand, models[variant] ?? Object.values(models)[0] ?? variant, { port, protocol });
    await add('onvif', device);
    if (own !== undefined) await add(own, device);
  }
  if (freshPort !== undefined) {
    const fresh = announced(cameras.length, 'Hikvision', 'DS-2CD1043G2-I', { port: freshPort, protocol: 'http' });
    await add('sadp', { ...fresh, activated: false });
  }
  return {
    destinations,
    responders,
    async close() {
      await Promise.all(responders.map((responder) => responder.close()));
    },
  };
}

function announced(index: number, brand: string, model: string, web: Pick<Announced, 'port' | 'protocol'>): Announced {
  const number = String(index + 1).padStart(2, '0');
  return {
    brand,
    model,
    serial: `${model}-SIMULATED${number}`,
    mac: `02:00:5e:10:00:${number}`,
    firmware: 'V5.7.3',
    activated: true,
    ...web,
  };
}
