import { systemClock } from '../../src/core/clock.ts';
import { withDeadline } from '../../src/core/deadline.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { handle } from '../shared/errors.ts';
import type { Message, NodeRed, RuntimeNode, Send } from '../shared/node-red.ts';
import { Running } from '../shared/running.ts';
import { text } from '../shared/texts.ts';
import { cameraOf, pictureAttachment } from '../shared/watching.ts';
import { type CameraSnapshotConfig, migrate } from './config.ts';

module.exports = (RED: NodeRed) => {
  function CameraSnapshot(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const config = migrate(saved);
    const running = new Running(this);
    this.on('input', (message, send, done) => {
      running.run((signal) => handle(RED, this, done, () => take(RED, this, config, message, send, signal)));
    });
  }

  RED.nodes.registerType('camera-snapshot', CameraSnapshot);
};

async function take(
  RED: NodeRed,
  node: RuntimeNode,
  config: CameraSnapshotConfig,
  message: Message,
  send: Send,
  signal: AbortSignal,
): Promise<undefined> {
  const { target, watched } = cameraOf(RED, config.camera);
  node.status({ fill: 'blue', shape: 'dot', text: text(RED, 'status.reading') ?? '' });
  try {
    const picture = await withDeadline(LIMITS.device.snapshotMs, target.address.host, signal, (limited) =>
      watched.snapshot(config.channel ?? target.channel, limited),
    );
    const attachment = pictureAttachment(target.name, new Date(systemClock.now()).toISOString(), picture);
    message.payload = picture;
    message.filename = attachment.filename;
    message.contentType = attachment.contentType;
    message.attachments = [attachment];
    send(message);
    node.status({ fill: 'green', shape: 'dot', text: attachment.filename });
  } finally {
    await watched.close();
  }
  return undefined;
}
