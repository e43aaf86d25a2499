import { childText, XmlDocument } from '../../http/xml.ts';
import type { MailObstacle } from '../driver.ts';
import { type Isapi, PATHS } from './isapi.ts';

/** No server at all, and the one that devices leave the factory with. */
const NO_ADDRESS = ['', '0.0.0.0', '192.0.0.200'];

/** What keeps the device from finding a mail server by its name; only what it tells counts. Rejects where the settings cannot be read. */
export async function findMailObstacle(isapi: Isapi, signal: AbortSignal): Promise<MailObstacle | undefined> {
  const { root } = XmlDocument.parse((await isapi.get(PATHS.ipAddress, signal)).body);
  if (root.name !== 'IPAddress') return undefined;
  const addresses = (...names: string[]) => names.map((name) => childText(root, name, 'ipAddress')).filter((text) => text !== undefined);
  const none = (given: string[]) => given.length > 0 && given.every((address) => NO_ADDRESS.includes(address));
  if (none(addresses('DefaultGateway'))) return 'gateway';
  return none(addresses('PrimaryDNS', 'SecondaryDNS')) ? 'dns' : undefined;
}
