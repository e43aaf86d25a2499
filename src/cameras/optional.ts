import { type ErrorCode, isCameraEmailError } from '../core/errors.ts';

/** How devices say that they do not have something. */
export const LACKING: readonly ErrorCode[] = ['unsupported', 'forbidden', 'rejected', 'unreadable'];

/** What a device may lack without harm becomes undefined; a refused login and a dead connection stay errors. */
export async function optional<T>(work: () => Promise<T>, lacking = LACKING): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isCameraEmailError(error, ...lacking)) return undefined;
    throw error;
  }
}
