import type { TestResult } from '../cameras/test-result.ts';
import type { Clock } from '../core/clock.ts';
import { asCameraEmailError, CameraEmailError } from '../core/errors.ts';
import type { MailAccount } from '../mail/account.ts';
import { type ArrivalWatch, watchMailbox } from '../mail/arrival.ts';
import type { ComposedMail } from '../mail/compose.ts';
import { sendInStages } from '../mail/send.ts';
import { composeTestMail, testToken } from '../mail/test-mail.ts';
import { applyArrival } from './prove.ts';

export interface ServerTest {
  to: string[];
  proveArrival: boolean;
  /** How long to look for the mail, in milliseconds. */
  timeoutMs: number;
}

/** Sends a test mail from this host and looks for it in the account's mailbox. Rejects only with `cancelled` and `bad-input`. */
export async function testServer(account: MailAccount, test: ServerTest, clock: Clock, signal: AbortSignal): Promise<TestResult> {
  const mail = await composeTestMail(account, { to: test.to, token: testToken(), via: 'server' });
  const result: TestResult = { ok: false, verdict: 'failed', stages: [], warnings: [] };
  const here = test.to.some((address) => address.toLowerCase() === account.email.toLowerCase());
  if (test.proveArrival && !here) result.warnings.push({ code: 'sent-elsewhere' });
  const watch = test.proveArrival ? await openWatch(account, signal) : undefined;
  try {
    const sent = await sendInStages(account, mail, { signal });
    result.stages.push(...sent.stages);
    if (sent.error !== undefined || sent.result === undefined) {
      result.error = sent.error;
      return result;
    }
    const [refused] = sent.result.rejected;
    result.verdict = 'accepted';
    result.ok = refused === undefined;
    result.error = refused?.error;
    if (watch !== undefined) await lookFor(mail, watch, result, here, { account, test, clock, signal });
    return result;
  } finally {
    if (watch !== undefined && 'waitFor' in watch) await watch.close();
  }
}

async function openWatch(account: MailAccount, signal: AbortSignal): Promise<ArrivalWatch | { error: CameraEmailError }> {
  if (account.imap === undefined)
    return { error: new CameraEmailError('bad-input', 'the account has no IMAP server', { params: { field: 'imapHost' } }) };
  try {
    return await watchMailbox(account, signal);
  } catch (error) {
    return { error: asCameraEmailError(error) };
  }
}

interface Around {
  account: MailAccount;
  test: ServerTest;
  clock: Clock;
  signal: AbortSignal;
}

async function lookFor(
  mail: ComposedMail,
  watch: ArrivalWatch | { error: CameraEmailError },
  result: TestResult,
  here: boolean,
  around: Around,
): Promise<void> {
  const { test, clock, signal } = around;
  const sentAt = clock.now();
  const stage = (ok: boolean, detail: string) => result.stages.push({ stage: 'arrival', ok, ms: clock.now() - sentAt, detail });
  try {
    if ('error' in watch) throw watch.error;
    // A mail to somebody else's mailbox is looked for only briefly: forwarding and aliases may bring it here all the same.
    const patience = here ? test.timeoutMs : Math.min(test.timeoutMs, 5_000);
    const arrival = await watch.waitFor({ messageId: mail.messageId }, patience, signal);
    if (arrival !== undefined) {
      stage(true, arrival.mailbox);
      const refused = result.error;
      applyArrival(result, arrival, clock.now() - sentAt);
      if (refused !== undefined) Object.assign(result, { ok: false, error: refused });
      return;
    }
    result.arrival = { found: false };
    if (!here) return;
    stage(false, '');
    result.ok = false;
    result.error ??= new CameraEmailError('not-arrived', 'accepted by the server, not seen in the mailbox', {
      params: { seconds: Math.round(test.timeoutMs / 1000) },
    });
  } catch (error) {
    const failure = asCameraEmailError(error);
    if (failure.code === 'cancelled') throw failure;
    stage(false, failure.deviceSays ?? failure.message);
    result.warnings.push({ code: 'arrival-unproven' });
    result.ok = false;
    result.error ??= failure;
  }
}
