import { AxisSimulator, type AxisSimulatorOptions } from '../../../src/cameras/axis/simulator.ts';
import type { DeviceIdentity } from '../../../src/cameras/driver.ts';
import { useBench } from '../fixture.ts';

export const IDENTITY: DeviceIdentity = { vendor: 'axis', brand: 'AXIS', model: '', firmware: '', serial: '', kind: 'camera' };

/** For the top of a `describe`. */
export function axisBench() {
  const bench = useBench();
  return { bench, camera: (options: Partial<AxisSimulatorOptions> = {}) => new AxisSimulator({ ...bench.options, ...options }) };
}

/** Operations of a list of SOAP bodies, with the ID or template that each is about. */
export function operations(bodies: readonly (string | undefined)[]): string[] {
  return bodies.map((body = '') => {
    const operation = /<aa:(\w+)/.exec(body)?.[1] ?? body;
    const about = /<(?:RuleID|ConfigurationID|TemplateToken|PrimaryAction)>([^<]*)</.exec(body)?.[1] ?? '';
    return `${operation} ${about}`.trim();
  });
}

/** What was added to a device and removed from it. */
export const changesSeen = (device: AxisSimulator) =>
  operations(device.server.writes().map(({ body }) => body)).filter((name) => /^(Add|Remove)/.test(name));

export function soapOf(body: string): string {
  return `<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:aa="http://www.axis.com/vapix/ws/action1"><SOAP-ENV:Body>${body}</SOAP-ENV:Body></SOAP-ENV:Envelope>`;
}

export function fault(code: string, text: string): string {
  return soapOf(
    `<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode><SOAP-ENV:Value>${code}</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text>${text}</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>`,
  );
}
