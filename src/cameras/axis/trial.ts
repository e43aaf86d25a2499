import type { Clock } from '../../core/clock.ts';
import { CameraEmailError } from '../../core/errors.ts';
import { abortError } from '../../core/lane.ts';
import { LIMITS } from '../../core/limits.ts';
import type { TestAnswer, WantedEmail } from '../driver.ts';
import { configurationSource, ruleSource, type State } from './entities.ts';
import { virtualInputEvent, virtualInputsInUse } from './linkage.ts';
import { isTrial, newAction, type Templates, TRIAL_NAME } from './plan.ts';
import { envelope, type Operation, type Vapix } from './soap.ts';
import { removalOf } from './writes.ts';

const TEST_SUBJECT = 'Camera test e-mail';

/** Tried from the top: rules of users begin with 1, and not every product has the usual 64 inputs. */
const INPUTS = [32, 16, 8, 4, 2, 1];

/** Sends a mail by a temporary rule on a virtual input that nobody else listens to. The device never says what became of the mail. */
export class MailTrial {
  constructor(
    private readonly vapix: Vapix,
    private readonly readState: (signal: AbortSignal) => Promise<State>,
    private readonly clock: Clock,
  ) {}

  /** Rule and action are removed in any case, also when the job is stopped; so is what a killed test left earlier. */
  async run(state: State, wanted: WantedEmail, templates: Templates, signal: AbortSignal): Promise<TestAnswer> {
    const used = virtualInputsInUse([...state.rules, ...state.foreignRules]);
    if (used === undefined) return { accepted: undefined, deviceSays: 'a rule of this camera listens to every virtual input' };
    const free = INPUTS.filter((port) => !used.has(port)).slice(0, 3);
    let port: number | undefined;
    try {
      port = await this.#fire(free, wanted, templates, signal);
    } catch (error) {
      await this.#removeAll().catch(() => undefined);
      throw error;
    }
    await this.#removeAll();
    const deviceSays = port === undefined ? 'no virtual input is free' : `virtual input ${port}: StateChanged true`;
    return { accepted: undefined, deviceSays };
  }

  /** The input that started the mail; undefined when none was free. */
  async #fire(free: readonly number[], wanted: WantedEmail, templates: Templates, signal: AbortSignal): Promise<number | undefined> {
    const add = (operation: Operation, content: string) => this.vapix.change(operation, envelope(operation, content), signal);
    const trial = newAction(TRIAL_NAME, { ...wanted, attachment: 'none' }, templates);
    // The mail must be told from an alert that comes at the same moment.
    const parameters = trial.parameters.map((one) => (one.name === 'subject' ? { ...one, value: TEST_SUBJECT } : one));
    const source = configurationSource('Action', { ...trial, parameters });
    const action = (await add('AddActionConfiguration', source)) ?? '';
    for (const port of free) {
      await add('AddActionRule', ruleSource({ name: TRIAL_NAME, ...virtualInputEvent(port) }, true, action));
      // Not free after all: somebody has made it active, or this product has fewer.
      if (!(await this.vapix.setVirtualInput(port, true, signal))) continue;
      await this.vapix.setVirtualInput(port, false, AbortSignal.timeout(LIMITS.device.requestMs));
      await this.clock.sleep(LIMITS.device.testActionMs, signal).catch(() => {
        throw abortError(signal);
      });
      return port;
    }
    return undefined;
  }

  /** By name, because the answer to an addition may have been lost; each request has a deadline of its own. */
  async #removeAll(): Promise<void> {
    const deadline = () => AbortSignal.timeout(LIMITS.device.requestMs);
    try {
      const { rules, foreignRules, actions } = await this.readState(deadline());
      const removals = [
        ...[...rules, ...foreignRules].filter(isTrial).map(({ id }) => removalOf('AddActionRule', id)),
        ...actions.filter(isTrial).map(({ id }) => removalOf('AddActionConfiguration', id)),
      ];
      for (const { operation, body } of removals) await this.vapix.change(operation, body, deadline());
    } catch (error) {
      throw new CameraEmailError('not-applied', `the rule "${TRIAL_NAME}" could not be removed`, {
        params: { field: 'events' },
        cause: error,
      });
    }
  }
}
