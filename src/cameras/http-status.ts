import { CameraEmailError } from '../core/errors.ts';

/** Throws what a status stands for when it is a refusal, for devices whose refusals say nothing more. */
export function refuseStatus(status: number): void {
  const says = `HTTP ${status}`;
  const details = { deviceSays: says };
  if (status === 401 || status === 403) throw new CameraEmailError('forbidden', says, details);
  if (status === 404 || status === 405 || status === 501) throw new CameraEmailError('unsupported', says, details);
  if (status === 503) throw new CameraEmailError('busy', says, details);
  if (status >= 400) throw new CameraEmailError('rejected', says, details);
}
