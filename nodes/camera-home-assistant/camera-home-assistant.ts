import { handle } from '../shared/errors.ts';
import type { NodeRed, RuntimeNode } from '../shared/node-red.ts';
import { Running } from '../shared/running.ts';
import { Bridge, type Sender } from './bridge.ts';
import { migrate } from './config.ts';

type Runtime = NodeRed & {
  events: { on(event: 'flows:started', listener: () => void): void; off(event: 'flows:started', listener: () => void): void };
};

module.exports = (RED: Runtime) => {
  function CameraHomeAssistant(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const bridge = new Bridge(RED, this as Sender, migrate(saved));
    const running = new Running(this);
    const started = () =>
      running.run((signal) =>
        handle(
          RED,
          this,
          () => undefined,
          () => bridge.deployed(signal),
        ),
      );
    // Every deploy, also one that leaves this node alone, may have taken a camera away.
    RED.events.on('flows:started', started);
    this.on('input', (message, _send, done) => {
      running.run((signal) => handle(RED, this, done, () => bridge.take(message, signal)));
    });
    this.on('close', (_removed, done) => {
      RED.events.off('flows:started', started);
      bridge.close();
      done();
    });
  }

  RED.nodes.registerType('camera-home-assistant', CameraHomeAssistant);
};
