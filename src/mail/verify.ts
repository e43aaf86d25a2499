import { cancelled, withDeadline } from '../core/deadline.ts';
import type { CameraEmailError } from '../core/errors.ts';
import type { MailAccount } from './account.ts';
import { MAIL_TIMEOUTS, type MailTimeouts } from './connect.ts';
import { closeImap, openImap } from './imap-session.ts';
import { type MailProtocol, mailError } from './mail-error.ts';
import { SmtpSession } from './smtp-session.ts';
import { StageLog, type StageResult } from './stages.ts';

export type { Stage, StageResult } from './stages.ts';

export interface ServerReport {
  ok: boolean;
  /** dns, connect, tls (unless the account has no encryption), login: as far as it got. */
  stages: StageResult[];
  error?: CameraEmailError;
}

export interface VerifyOptions {
  signal?: AbortSignal;
  /** Default: true when the account has an IMAP server. */
  imap?: boolean;
  timeouts?: MailTimeouts;
}

/**
 * Logs in to SMTP and IMAP, side by side and once each, within LIMITS.mail.verifyMs. What fails is in the reports; rejects only with
 * `cancelled`. A remembered refusal is reported without asking the server: call forgetRefusedLogin first when the user asks.
 */
export async function verifyAccount(
  account: MailAccount,
  options: VerifyOptions = {},
): Promise<{ ok: boolean; smtp: ServerReport; imap?: ServerReport }> {
  const withImap = (options.imap ?? true) && account.imap !== undefined;
  const smtp = report(account, 'smtp', options, async (log, signal, timeouts) => {
    (await SmtpSession.open(account, { log, signal, timeouts })).quit();
  });
  if (!withImap) {
    const only = await smtp;
    return { ok: only.ok, smtp: only };
  }
  const imap = report(account, 'imap', options, async (log, signal, timeouts) => {
    await closeImap(await openImap(account, { log, signal, timeouts }));
  });
  const [smtpReport, imapReport] = await Promise.all([smtp, imap]);
  return { ok: smtpReport.ok && imapReport.ok, smtp: smtpReport, imap: imapReport };
}

async function report(
  account: MailAccount,
  protocol: MailProtocol,
  { signal, timeouts = MAIL_TIMEOUTS }: VerifyOptions,
  work: (log: StageLog, signal: AbortSignal, timeouts: MailTimeouts) => Promise<void>,
): Promise<ServerReport> {
  const log = new StageLog();
  try {
    await withDeadline(timeouts.verifyMs, 'verifying', signal, (inner) => work(log, inner, timeouts));
    return { ok: true, stages: log.stages };
  } catch (error) {
    if (signal?.aborted) throw cancelled();
    const failure = mailError(error, account, log.current ?? 'connect', protocol);
    log.fail(failure);
    return { ok: false, stages: [...log.stages], error: failure };
  }
}
