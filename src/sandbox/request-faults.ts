import type { ServerResponse } from 'node:http';

/** What a device may do wrong with any request; switched while it runs. */
export interface RequestFaults {
  /** Takes requests and never answers. */
  silent?: boolean;
  /** So many of the next requests end in a closed connection. */
  hangUps?: number;
  /** Answers with a page of another kind. */
  garbage?: boolean;
}

/** True when this request is not going to be answered as it should be. */
export function interferes(faults: RequestFaults, response: ServerResponse): boolean {
  if (faults.silent) return true;
  if (faults.hangUps !== undefined && faults.hangUps > 0) {
    faults.hangUps -= 1;
    response.socket?.destroy();
    return true;
  }
  if (faults.garbage) response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>garbage</html>');
  return faults.garbage === true;
}
