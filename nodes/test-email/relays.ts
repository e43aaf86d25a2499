import type { MailRelay } from '../../src/fleet/wanted.ts';
import type { CameraMailInNode } from '../camera-mail-in/camera-mail-in.ts';
import type { NodeRed } from '../shared/node-red.ts';

/** The camera-mail-in nodes that send on through the account, as what a camera has to be set to for them. */
export async function relaysThrough(
  RED: NodeRed,
  account: string,
  camera: { name: string; host: string },
  signal: AbortSignal,
): Promise<MailRelay[]> {
  const nodes: CameraMailInNode[] = [];
  RED.nodes.eachNode(({ id, type }) => {
    const node = type === 'camera-mail-in' ? (RED.nodes.getNode(id) as CameraMailInNode | null) : null;
    if (node?.sendsThrough === account) nodes.push(node);
  });
  // One that is not set up yet has nothing to say.
  const all = nodes.map((node) => node.listener(camera, signal).catch(() => undefined));
  return (await Promise.all(all)).filter((relay) => relay !== undefined);
}
