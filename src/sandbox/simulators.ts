import { variants as axis } from '../cameras/axis/simulator.ts';
import { variants as dahua } from '../cameras/dahua/simulator.ts';
import { variants as foscam } from '../cameras/foscam/simulator.ts';
import { variants as hanwha } from '../cameras/hanwha/simulator.ts';
import { variants as hikvision } from '../cameras/hikvision/simulator.ts';
import { variants as onvif } from '../cameras/onvif/simulator.ts';
import { variants as reolink } from '../cameras/reolink/simulator.ts';
import { variants as uniview } from '../cameras/uniview/simulator.ts';
import { variants as vivotek } from '../cameras/vivotek/simulator.ts';
import type { SimulatorVariant } from './camera-simulator.ts';

/** Every simulated device there is, by vendor. */
export const SIMULATORS: Readonly<Record<string, readonly SimulatorVariant[]>> = {
  hikvision,
  dahua,
  reolink,
  axis,
  hanwha,
  foscam,
  uniview,
  vivotek,
  onvif,
};
