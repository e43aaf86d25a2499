import type { Sandbox } from '../../src/sandbox/sandbox.ts';

export type FlowNode = Record<string, unknown> & { id: string; type: string };

/** The tab on which `onTab` puts nodes. */
export const TAB: FlowNode = { id: 'flow', type: 'tab', label: 'test' };

export const onTab = (id: string, type: string, properties: object = {}): FlowNode => ({ id, z: 'flow', x: 1, y: 1, type, ...properties });

/** A Catch node, and the node `caught` that has what it saw. */
export const CATCH: readonly FlowNode[] = [
  onTab('catch', 'catch', { scope: null, uncaught: false, wires: [['caught']] }),
  onTab('caught', 'helper'),
];

/** Trusts the authority of the sandbox; its credentials are `{ cadata: sandbox.mail.ca }`. */
export const CA: FlowNode = {
  id: 'ca',
  type: 'tls-config',
  name: '',
  cert: '',
  key: '',
  ca: '',
  certname: '',
  keyname: '',
  caname: 'ca.pem',
  servername: '',
  verifyservercert: true,
};

/** The account of the sandbox, with the nodes it needs. */
export const accountNodes = ({ mail, account }: Sandbox, properties: object = {}): FlowNode[] => [
  CA,
  {
    id: 'account',
    type: 'gmail-account',
    name: 'Home',
    email: account.email,
    service: 'custom',
    security: 'tls',
    host: 'localhost',
    port: mail.ports.smtps,
    tls: 'ca',
    ...properties,
  },
];

export const accountSecrets = ({ mail, account }: Sandbox): Record<string, object> => ({
  ca: { cadata: mail.ca },
  account: { appPassword: account.appPassword },
});

/** The cameras of the sandbox as `cam0`, `cam1` and so on. */
export const cameraNodes = ({ cameras }: Sandbox): FlowNode[] =>
  cameras.map(({ name, port, protocol }, index) => ({
    id: `cam${index}`,
    type: 'camera-device',
    name,
    vendor: 'auto',
    host: '127.0.0.1',
    port,
    protocol,
    trust: 'pin',
  }));

/** A listener for mails of cameras. */
export const mailInNode = (id: string, port: number, properties: object = {}): FlowNode =>
  onTab(id, 'camera-mail-in', { host: '127.0.0.1', port, cameras: [], ...properties });
