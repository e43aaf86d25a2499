import type { ServerResponse } from 'node:http';

/** The streams of events that clients have open at a simulated device. */
export class OpenStreams implements Iterable<ServerResponse> {
  readonly #streams = new Set<ServerResponse>();
  #wake: () => void = () => undefined;

  get size(): number {
    return this.#streams.size;
  }

  [Symbol.iterator](): Iterator<ServerResponse> {
    return this.#streams.values();
  }

  /** Begins one: its headers are sent. It is open until the connection closes. */
  open(response: ServerResponse, contentType: string): void {
    this.#streams.add(response);
    response.on('close', () => {
      this.#streams.delete(response);
      this.#wake();
    });
    response.writeHead(200, { 'Content-Type': contentType });
    response.flushHeaders();
    this.#wake();
  }

  /** Resolves when so many are open. */
  async until(count: number): Promise<void> {
    while (this.#streams.size !== count) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Cuts all of them, as a restart or a lost network does. */
  drop(): void {
    for (const response of this.#streams) response.socket?.destroy();
  }
}
