import { CameraEmailError } from '../../core/errors.ts';
import type { DeviceHttp } from '../../http/types.ts';
import type { DeviceIdentity } from '../driver.ts';

const BASIC_INFO = '/axis-cgi/basicdeviceinfo.cgi';
const BRAND = '/axis-cgi/param.cgi?action=list&group=root.Brand';

/** Asked without a login where the firmware has such a page; older firmware gives itself away by its realm. Undefined: another make. */
export async function identify(http: DeviceHttp, signal: AbortSignal): Promise<DeviceIdentity | undefined> {
  const response = await http.request(
    {
      method: 'POST',
      path: BASIC_INFO,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ apiVersion: '1.0', method: 'getAllUnrestrictedProperties' }),
      authenticate: false,
    },
    signal,
  );
  const properties = propertiesIn(response.text());
  if (properties !== undefined) return /^axis$/i.test(properties.Brand ?? '') ? identityFrom(properties) : undefined;
  const serial = /realm="AXIS_([0-9A-F]{12})"/i.exec(String(response.headers['www-authenticate'] ?? ''))?.[1];
  return response.status === 401 && serial !== undefined
    ? identityFrom({ ...(await brand(http, signal)), SerialNumber: serial })
    : undefined;
}

type Properties = Partial<Record<string, string>>;

function propertiesIn(text: string): Properties | undefined {
  try {
    const { data } = JSON.parse(text) as { data?: { propertyList?: unknown } };
    const list = data?.propertyList;
    if (typeof list !== 'object' || list === null) return undefined;
    return Object.fromEntries(Object.entries(list).map(([key, value]) => [key, String(value)]));
  } catch {
    return undefined;
  }
}

/** `root.Brand.ProdNbr=M1234` and so on. */
async function brand(http: DeviceHttp, signal: AbortSignal): Promise<Properties> {
  const response = await http.request({ method: 'GET', path: BRAND }, signal);
  if (response.status >= 400) {
    const deviceSays = `HTTP ${response.status}`;
    throw new CameraEmailError(response.status === 403 ? 'forbidden' : 'rejected', `param.cgi: ${deviceSays}`, { deviceSays });
  }
  return Object.fromEntries([...response.text().matchAll(/^root\.Brand\.(\w+)=(.*?)\r?$/gm)].map(([, key = '', value]) => [key, value]));
}

function identityFrom(properties: Properties): DeviceIdentity {
  const { ProdNbr = '', Version = '', SerialNumber = '', ProdType = '', Brand = 'AXIS' } = properties;
  const kind = /recorder/i.test(ProdType)
    ? 'recorder'
    : /door|intercom/i.test(ProdType)
      ? 'doorbell'
      : /camera/i.test(ProdType)
        ? 'camera'
        : 'unknown';
  return { vendor: 'axis', brand: Brand, model: ProdNbr, firmware: Version, serial: SerialNumber, kind };
}
