import { createSocket } from 'node:dgram';

/** What a simulated device tells about itself. */
export interface Announced {
  brand: string;
  model: string;
  serial: string;
  /** `00:11:22:aa:bb:cc` */
  mac: string;
  firmware: string;
  /** Of its web server, and whether that is encrypted. */
  port: number;
  protocol: 'http' | 'https';
  /** False: nobody has set a password on it yet. */
  activated: boolean;
}

/** The answer to one datagram; nothing for what is not a well-formed question. */
export type Respond = (datagram: Buffer, device: Announced) => Buffer | undefined;

export interface Responder {
  port: number;
  /** Questions that it answered, and datagrams that it did not understand. */
  readonly answered: number;
  readonly ignored: number;
  close(): Promise<void>;
}

/** One simulated device's side of a discovery protocol, on a port of 127.0.0.1. */
export async function startResponder(respond: Respond, device: Announced): Promise<Responder> {
  const socket = createSocket('udp4');
  let answered = 0;
  let ignored = 0;
  socket.on('error', () => undefined);
  socket.on('message', (datagram, { address, port }) => {
    const answer = respond(datagram, device);
    if (answer === undefined) {
      ignored += 1;
      return;
    }
    answered += 1;
    socket.send(answer, port, address, () => undefined);
  });
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
  return {
    port: socket.address().port,
    get answered() {
      return answered;
    },
    get ignored() {
      return ignored;
    },
    close: () => new Promise((closed) => socket.close(() => closed())),
  };
}
