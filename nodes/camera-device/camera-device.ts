import { serveCameras } from '../shared/admin.ts';
import { type CameraDeviceNode, cameraTarget } from '../shared/cameras.ts';
import type { NodeRed, RuntimeNode } from '../shared/node-red.ts';
import { serveScan } from '../shared/scan.ts';

module.exports = (RED: NodeRed) => {
  function CameraDevice(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const node = this as CameraDeviceNode;
    node.target = () => cameraTarget(saved, node.credentials ?? {}, node.id);
  }

  RED.nodes.registerType('camera-device', CameraDevice, { credentials: { username: { type: 'text' }, password: { type: 'password' } } });
  serveCameras(RED);
  serveScan(RED);
};
