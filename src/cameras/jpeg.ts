import { CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { deviceWords } from '../core/text.ts';
import { isWholeJpeg } from '../http/multipart-stream.ts';
import type { DeviceHttp, DeviceRequest, DeviceResponse } from '../http/types.ts';

/** The JPEG at a path. Rejects with `unreadable` for anything else, whatever its status. */
export async function fetchJpeg(
  http: DeviceHttp,
  path: string,
  signal: AbortSignal,
  judgeRefusal?: DeviceRequest['judgeRefusal'],
): Promise<Buffer> {
  const request: DeviceRequest = { method: 'GET', path, maxBytes: LIMITS.device.snapshotBytes };
  return jpegIn(await http.request(judgeRefusal === undefined ? request : { ...request, judgeRefusal }, signal), http.host);
}

/** The JPEG in an answer. Throws `unreadable` for anything else, whatever its status, or what the status says. */
export function jpegIn({ status, body, headers }: DeviceResponse, host: string): Buffer {
  if (isWholeJpeg(body)) return body;
  const code = status === 403 ? 'forbidden' : status === 404 ? 'unsupported' : status === 503 ? 'busy' : 'unreadable';
  const isText = /text|json|xml/i.test(headers['content-type'] ?? '');
  const words = isText ? deviceWords(body.toString('utf8').replace(/<[^>]*>/g, ' '), 200) : '';
  throw new CameraEmailError(code, `${host}: not a whole JPEG`, { deviceSays: words || `HTTP ${status}` });
}
