import type { ProofRequest } from '../cameras/configure.ts';
import type { Camera, EmailSettings, TestAnswer, WantedEmail } from '../cameras/driver.ts';
import { findObstacle } from '../cameras/mail-obstacle.ts';
import type { TestResult } from '../cameras/test-result.ts';
import type { Clock } from '../core/clock.ts';
import { asCameraEmailError, CameraEmailError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { MailAccount } from '../mail/account.ts';
import type { Arrival, ArrivalWatch, CameraMailMatch } from '../mail/arrival.ts';
import { plainText } from '../mail/mail-match.ts';
import { explainSmtpReply } from '../mail/replies.ts';
import { pauseDeadline } from './item-deadline.ts';
import { ProofDesk } from './proof-desk.ts';

/** By mail server and user: test mails of cameras carry no known Message-ID, so all who expect one in a mailbox have to know of each other. */
const desks = new Map<string, ProofDesk>();

/** Has cameras send their test mail and looks for it in the account's mailbox. `timeoutMs` bounds the wait for the mail. */
export function createProver(account: MailAccount, clock: Clock, timeoutMs: number) {
  return (request: ProofRequest, signal: AbortSignal): Promise<TestResult> => {
    const desk = deskOf(account);
    const work = () => new CameraProof(account, desk, clock, timeoutMs, request, signal).run();
    return request.depth === 'arrival' ? desk.sharing(account, () => inTurn(desk, nameIn(request), signal, work)) : work();
  };
}

/** A camera's own time stands still while it waits for the mails of others. */
async function inTurn<T>(desk: ProofDesk, name: string | undefined, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const goOn = pauseDeadline(signal);
  try {
    return await desk.queue.run(name, signal, () => {
      goOn();
      return work();
    });
  } finally {
    goOn();
  }
}

/** The name that the mail will bear; undefined where nothing in it will tell the camera from others. */
function nameIn({ settings }: ProofRequest): string | undefined {
  return plainText(settings.senderName ?? '') || undefined;
}

function deskOf({ imap, username }: MailAccount): ProofDesk {
  const key = `${imap?.host} ${username}`;
  const desk = desks.get(key) ?? new ProofDesk();
  desks.set(key, desk);
  return desk;
}

class CameraProof {
  readonly #result: TestResult = { ok: false, verdict: 'inconclusive', stages: [], warnings: [] };

  constructor(
    private readonly account: MailAccount,
    private readonly desk: ProofDesk,
    private readonly clock: Clock,
    private readonly timeoutMs: number,
    private readonly request: ProofRequest,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<TestResult> {
    const { camera, wanted, settings, depth } = this.request;
    if (camera.sendTestEmail === undefined) return this.#result;
    if (this.request.experimental) this.#result.warnings.push({ code: 'experimental-test' });
    const watch = depth === 'arrival' ? await this.#watch(settings) : undefined;
    try {
      const since = this.clock.now();
      const answer = await this.#ask(camera, wanted);
      if (depth === 'camera') this.#judgeWithoutProof(answer);
      else await this.#judge(answer, watch, since);
      await this.#explain(camera);
      return this.#result;
    } finally {
      await watch?.close();
    }
  }

  /** Undefined when the mailbox cannot be looked into: then the camera's word is all there is, and the result says so. */
  async #watch(settings: EmailSettings): Promise<ArrivalWatch | undefined> {
    const here = settings.recipients?.some((address) => address.toLowerCase() === this.account.email.toLowerCase()) ?? true;
    if (!here) {
      this.#result.warnings.push({ code: 'sent-elsewhere' });
      return undefined;
    }
    if (this.account.imap === undefined) {
      this.#result.warnings.push({ code: 'arrival-unproven' });
      return undefined;
    }
    const started = this.clock.now();
    try {
      return await this.desk.watch(this.account, this.signal);
    } catch (error) {
      const failure = asCameraEmailError(error);
      if (failure.code === 'cancelled') throw failure;
      this.#stage('arrival', false, started, failure.deviceSays ?? failure.message);
      this.#result.warnings.push({ code: 'arrival-unproven' });
      return undefined;
    }
  }

  async #ask(camera: Camera, wanted: WantedEmail): Promise<TestAnswer & { error?: CameraEmailError }> {
    const started = this.clock.now();
    try {
      const answer = (await camera.sendTestEmail?.(wanted, this.signal)) ?? { accepted: undefined, deviceSays: '' };
      this.#stage('camera', answer.accepted === true, started, answer.deviceSays);
      return answer;
    } catch (error) {
      const failure = asCameraEmailError(error);
      if (failure.code === 'cancelled') throw failure;
      this.#stage('camera', false, started, failure.deviceSays ?? failure.message);
      return { accepted: false, deviceSays: failure.deviceSays ?? '', error: failure };
    }
  }

  #judgeWithoutProof(answer: TestAnswer & { error?: CameraEmailError }): void {
    if (answer.accepted === undefined) return;
    this.#result.ok = answer.accepted;
    this.#result.verdict = answer.accepted ? 'accepted' : 'failed';
    if (!answer.accepted) this.#result.error = answer.error ?? testError(answer.deviceSays);
  }

  /** What the mailbox holds counts more than what the camera says: some say "failed" while the mail is on its way. */
  async #judge(answer: TestAnswer & { error?: CameraEmailError }, watch: ArrivalWatch | undefined, since: number): Promise<void> {
    this.#judgeWithoutProof(answer);
    if (watch === undefined || answer.sent === false) return;
    const started = this.clock.now();
    const doubted = answer.accepted === undefined ? LIMITS.mail.arrivalUnansweredMs : LIMITS.mail.arrivalAfterFailureMs;
    const patience = answer.accepted ? this.timeoutMs : Math.min(this.timeoutMs, doubted);
    let arrival: Arrival | undefined;
    try {
      arrival = await watch.waitFor(this.#match(since), patience, this.signal);
    } catch (error) {
      const failure = asCameraEmailError(error);
      if (failure.code === 'cancelled') throw failure;
      this.#stage('arrival', false, started, failure.message);
      this.#result.warnings.push({ code: 'arrival-unproven' });
      return;
    }
    if (arrival === undefined) this.#missing(answer, watch.sawUnclear, started);
    else this.#found(arrival, since, started);
  }

  /** Most cameras say no more than "failed": their network settings may tell why. */
  async #explain(camera: Camera): Promise<void> {
    const { error } = this.#result;
    if (error?.code !== 'test-failed') return;
    const field = await findObstacle(camera, this.request.settings.server, this.signal);
    if (field === undefined) return;
    this.#result.error = new CameraEmailError('test-failed', `the camera has no ${field}`, {
      deviceSays: error.deviceSays,
      params: { field },
    });
  }

  #match(since: number): CameraMailMatch {
    const { wanted, settings } = this.request;
    // Many brands have no name beside the sender's address, whatever was wished for.
    return { since, sender: wanted.sender, senderName: settings.senderName };
  }

  /** `unclear`: a mail of this sender did come, which may as well be another camera's. */
  #missing(answer: TestAnswer, unclear: boolean, started: number): void {
    this.#stage('arrival', false, started, '');
    this.#result.arrival = { found: false };
    if (unclear) this.#result.warnings.push({ code: 'arrival-unproven' });
    if (answer.accepted !== true) return;
    this.#result.ok = false;
    if (this.request.experimental || unclear) {
      this.#result.verdict = 'inconclusive';
      return;
    }
    this.#result.verdict = 'accepted';
    this.#result.error = new CameraEmailError('not-arrived', 'the camera says "sent", the mailbox has nothing', {
      params: { seconds: Math.round(this.timeoutMs / 1000) },
      deviceSays: answer.deviceSays,
    });
  }

  #found(arrival: Arrival, since: number, started: number): void {
    applyArrival(this.#result, arrival, this.clock.now() - since);
    this.#stage('arrival', true, started, arrival.mailbox);
  }

  #stage(stage: 'camera' | 'arrival', ok: boolean, started: number, detail: string): void {
    this.#result.stages.push({ stage, ok, ms: this.clock.now() - started, detail });
  }
}

/** Found is found: the verdict is `arrived`. In the spam folder it is nothing to rely on, so the result is not ok. */
export function applyArrival(result: TestResult, arrival: Arrival, latencyMs: number): void {
  const { mailbox, messageId } = arrival;
  result.verdict = 'arrived';
  result.arrival = { found: true, mailbox, messageId, latencyMs };
  result.ok = arrival.folder !== 'spam';
  result.error = result.ok ? undefined : new CameraEmailError('in-spam', `the mail is in ${mailbox}`, { params: { mailbox } });
}

/** A camera that passes the mail server's words on lets us say what is wrong; most only say "failed". */
function testError(deviceSays: string): CameraEmailError {
  const reply = /\b([245]\d\d)([ -][245]\.\d{1,3}\.\d{1,3}|[ -]\S)[\s\S]*/.exec(deviceSays)?.[0];
  if (reply !== undefined) {
    const { code, link } = explainSmtpReply(reply);
    if (code !== 'rejected') return new CameraEmailError(code, 'the mail server refused the camera', { deviceSays, link });
  }
  return new CameraEmailError('test-failed', 'the camera says that its test failed', { deviceSays });
}
