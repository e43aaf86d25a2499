import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { simulatedJpeg } from '../src/sandbox/simulated-jpeg.ts';

const PICTURE = simulatedJpeg(200 * 1024);

/** One part of about 700 bytes, as cameras send them. */
export function alertPart(index: number): Buffer {
  const time = new Date(Date.parse('2026-05-18T18:00:00Z') + index * 1000).toISOString().slice(0, 19);
  const body = `<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">\r\n<ipAddress>192.168.0.16</ipAddress>\r\n<portNo>80</portNo>\r\n<protocol>HTTP</protocol>\r\n<macAddress>a4:14:37:12:34:56</macAddress>\r\n<channelID>1</channelID>\r\n<dateTime>${time}+00:00</dateTime>\r\n<activePostCount>${index}</activePostCount>\r\n<eventType>VMD</eventType>\r\n<eventState>active</eventState>\r\n<eventDescription>Motion alarm</eventDescription>\r\n<channelName>Front door</channelName>\r\n<DetectionRegionList>\r\n<DetectionRegionEntry>\r\n<regionID>1</regionID>\r\n<sensitivityLevel>50</sensitivityLevel>\r\n</DetectionRegionEntry>\r\n</DetectionRegionList>\r\n</EventNotificationAlert>\r\n`;
  return Buffer.from(`--boundary\r\nContent-Type: application/xml; charset="UTF-8"\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

/** A stream of so many parts, every twentieth of them a picture if wanted. */
export function eventStream(parts: number, pictures: boolean): Buffer {
  const pieces: Buffer[] = [];
  for (let index = 0; index < parts; index += 1) {
    if (pictures && index % 20 === 19) {
      pieces.push(
        Buffer.from(`--boundary\r\nContent-Type: image/jpeg\r\nContent-Length: ${PICTURE.length}\r\n\r\n`),
        PICTURE,
        Buffer.from('\r\n'),
      );
    } else pieces.push(alertPart(index));
  }
  return Buffer.concat(pieces);
}

export function split(stream: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
  return chunks;
}

/** The device as a process of its own: a burst of events on the first path, one heartbeat and then silence on the other. Sends its port to the parent. */
export function serve(parts: number): void {
  const burst = split(eventStream(parts, false), 64 * 1024);
  const server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'multipart/mixed; boundary=boundary' });
    if (request.url?.includes('idle')) response.write(alertPart(1));
    else void send(burst, response);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.once('disconnect', () => process.exit());
}

async function send(chunks: readonly Buffer[], response: ServerResponse): Promise<void> {
  for (const chunk of chunks) {
    if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve));
  }
}
