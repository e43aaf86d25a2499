import { createCertificate } from '../core/certificate.ts';
import type { CameraMailer, SimulatedCamera } from './camera-simulator.ts';
import { cameraMessage, sendCameraMail } from './camera-smtp.ts';
import type { SandboxUser } from './mail/accounts.ts';
import { type MailSandbox, startMailSandbox } from './mail/mail-sandbox.ts';
import { SIMULATORS } from './simulators.ts';

export interface SandboxCamera {
  name: string;
  vendor: string;
  variant: string;
  device: SimulatedCamera;
  port: number;
  protocol: 'http' | 'https';
}

export interface Sandbox {
  mail: MailSandbox;
  account: { email: string; appPassword: string; accountPassword: string; oauth2: NonNullable<SandboxUser['oauth2']> };
  /** The login of every simulated camera. */
  login: { username: string; password: string };
  cameras: SandboxCamera[];
  close(): Promise<void>;
}

export interface CameraWish {
  name: string;
  vendor: string;
  variant: string;
  /** Default https, as cameras have it today. */
  protocol?: 'http' | 'https';
}

/** A Gmail-like server and simulated cameras on loopback: what the demo and the tests run on. */
export async function startSandbox(wishes: readonly CameraWish[]): Promise<Sandbox> {
  const oauth2 = { clientId: '2026.apps.gmail.test', clientSecret: 'GOCSPX-Sandbox-Client', refreshToken: '1//0gSandbox-Refresh' };
  const account = { email: 'cameras@gmail.test', appPassword: 'abcdefghijklmnop', accountPassword: 'My-Account-Passw0rd', oauth2 };
  const login = { username: 'admin', password: 'Camera-2026' };
  const mail = await startMailSandbox({ users: [account] });
  const sendMail = mailerTrusting(mail.ca);
  const cameras: SandboxCamera[] = [];
  try {
    for (const { name, vendor, variant, protocol = 'https' } of wishes) {
      const found = SIMULATORS[vendor]?.find((candidate) => candidate.name === variant);
      if (found === undefined) throw new RangeError(`no simulator ${vendor} ${variant}`);
      const certificate = protocol === 'https' ? createCertificate({ commonName: name, subjectAltNames: ['IP:127.0.0.1'] }) : undefined;
      const device = found.create({ login, sendMail, certificate });
      cameras.push({ name, vendor, variant, device, port: await device.listen(), protocol });
    }
  } catch (error) {
    await closeAll(cameras, mail);
    throw error;
  }
  return { mail, account, login, cameras, close: () => closeAll(cameras, mail) };
}

async function closeAll(cameras: readonly SandboxCamera[], mail: MailSandbox): Promise<void> {
  await Promise.all(cameras.map(({ device }) => device.close()));
  await mail.close();
}

/** The SMTP client inside a simulated camera; `ca` is the one root certificate that it knows. */
export function mailerTrusting(ca: string): CameraMailer {
  return ({ brand, host, port, security, authentication, from, fromName, to, subject, body }) =>
    sendCameraMail({
      host,
      port,
      security,
      ca,
      authentication,
      heloName: `${brand}-camera`,
      from,
      to,
      message: cameraMessage({ brand, from, fromName, to, subject, body }),
      timeoutMs: 10_000,
    });
}
