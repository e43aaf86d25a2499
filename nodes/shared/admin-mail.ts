import { systemClock } from '../../src/core/clock.ts';
import { withDeadline } from '../../src/core/deadline.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { testServer } from '../../src/fleet/test-server.ts';
import { recipientsOf } from '../../src/fleet/wanted.ts';
import { accountOfDialog, dialogRequest, servePost } from './admin.ts';
import { publicError, publicWarnings } from './errors.ts';
import type { NodeRed } from './node-red.ts';
import { outboxState } from './outboxes.ts';
import { publicTest } from './results.ts';

/** The button "Send me a test mail", and the state of an account's queue. */
export function serveMail(RED: NodeRed): void {
  servePost(RED, 'test', async (body) => {
    const account = accountOfDialog(RED, dialogRequest(RED, body));
    const to = recipientsOf(account, '');
    const order = { to, proveArrival: account.imap !== undefined, timeoutMs: LIMITS.mail.arrivalDefaultMs };
    const result = await withDeadline(LIMITS.mail.dialogTestMs, account.smtp.host, undefined, (signal) =>
      testServer(account, order, systemClock, signal),
    );
    return { ...publicTest(RED, result), to, warnings: publicWarnings(RED, result.warnings) };
  });
  RED.httpAdmin.get('/camera-email/queue/:account', RED.auth.needsPermission('camera-email.read'), ({ params }, response) => {
    void queueOf(RED, params.account ?? '').then((queue) => response.json(queue));
  });
}

/** `open` is false while no deployed node sends through the account. */
async function queueOf(RED: NodeRed, account: string) {
  const found = await outboxState(RED, account);
  if (found === undefined) return { open: false };
  const { waiting, held, sentToday, hold, owner } = found.state;
  return {
    open: true,
    waiting: waiting + held,
    sentToday,
    dailyLimit: found.dailyLimit,
    owner,
    ...(hold === undefined ? {} : { hold: { until: hold.until, error: publicError(RED, hold.error) } }),
  };
}
