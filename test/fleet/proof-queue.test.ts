import assert from 'node:assert/strict';
import { cancelled } from '../../src/core/deadline.ts';
import { ProofQueue } from '../../src/fleet/proof-queue.ts';

/** Proofs that say when they begin, and end when they are told to. */
class Proofs {
  readonly begun: string[] = [];
  readonly #queue = new ProofQueue();
  readonly #ends = new Map<string, () => void>();

  start(label: string, name: string | undefined, signal = new AbortController().signal): Promise<void> {
    return this.#queue.run(name, signal, () => {
      this.begun.push(label);
      return new Promise<void>((resolve) => this.#ends.set(label, resolve));
    });
  }

  async end(label: string): Promise<void> {
    this.#ends.get(label)?.();
    await new Promise(setImmediate);
  }
}

describe('the proofs of one mailbox', () => {
  it('go on together when their mails bear different names', async () => {
    const proofs = new Proofs();
    for (const name of ['gate', 'yard', 'shop']) void proofs.start(name, name);
    await new Promise(setImmediate);
    assert.deepEqual(proofs.begun, ['gate', 'yard', 'shop']);
  });

  it('wait for one of the same name, and hold up no other', async () => {
    const proofs = new Proofs();
    void proofs.start('gate', 'gate');
    void proofs.start('gate again', 'gate');
    void proofs.start('yard', 'yard');
    await new Promise(setImmediate);
    assert.deepEqual(proofs.begun, ['gate', 'yard']);
    await proofs.end('gate');
    assert.deepEqual(proofs.begun, ['gate', 'yard', 'gate again']);
  });

  it('run alone without a name, in their turn', async () => {
    const proofs = new Proofs();
    void proofs.start('gate', 'gate');
    void proofs.start('nameless', undefined);
    void proofs.start('yard', 'yard');
    await new Promise(setImmediate);
    assert.deepEqual(proofs.begun, ['gate']);
    await proofs.end('gate');
    assert.deepEqual(proofs.begun, ['gate', 'nameless']);
    await proofs.end('nameless');
    assert.deepEqual(proofs.begun, ['gate', 'nameless', 'yard']);
  });

  it('leave the queue when they are stopped, and let those behind them go', async () => {
    const proofs = new Proofs();
    const stop = new AbortController();
    void proofs.start('gate', 'gate');
    const nameless = proofs.start('nameless', undefined, stop.signal);
    void proofs.start('yard', 'yard');
    stop.abort(cancelled());
    await assert.rejects(nameless, { code: 'cancelled' });
    await assert.rejects(proofs.start('late', 'late', stop.signal), { code: 'cancelled' });
    await new Promise(setImmediate);
    assert.deepEqual(proofs.begun, ['gate', 'yard']);
  });
});
