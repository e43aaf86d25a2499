import type { DeviceServer } from './device-server.ts';

/** The mail that a simulated camera sends with what was written into it. */
export interface CameraMail {
  brand: string;
  host: string;
  port: number;
  security: 'none' | 'tls' | 'starttls';
  authentication?: { username: string; password: string } | undefined;
  from: string;
  fromName: string;
  to: string[];
  subject: string;
  body: string;
}

/** Sends as a camera does; never rejects. `reply` is the server's or the network's last word. */
export type CameraMailer = (mail: CameraMail) => Promise<{ ok: boolean; reply: string }>;

/** What every vendor's simulator is made of. */
export interface SimulatorOptions {
  login: { username: string; password: string };
  sendMail: CameraMailer;
  /** Serves https with it; else plain http. */
  certificate?: { cert: string; key: string };
}

/** A running simulated device, with what the tests of every vendor ask of it. */
export interface SimulatedCamera {
  readonly vendor: string;
  /** Its socket side: connections, logged requests, and the place to put faults in. */
  readonly server: DeviceServer;
  /** Resolves with the port on 127.0.0.1. */
  listen(port?: number): Promise<number>;
  close(): Promise<void>;
  /** Everything that it stores and could tell, in one text: equal texts mean that nothing changed. The mail password is not in it. */
  documents(): string;
  /** The mail password that it holds. */
  readonly mailPassword: string;
  /** Logins it refused for a wrong name or password; a first request without credentials is none. */
  readonly refusedLogins: number;
  /** Accepts writes with its usual OK and forgets them. */
  forgetsWrites: boolean;
  /** Somebody changes the mail server behind our back. */
  driftServer(host: string): void;
}

/** One variant of a vendor's device, for the contract tests and the demo. */
export interface SimulatorVariant {
  /** Such as `camera` or `recorder`. */
  readonly name: string;
  create(options: SimulatorOptions): SimulatedCamera;
}
