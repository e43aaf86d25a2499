import type { ErrorCode } from '../core/errors.ts';

export interface ReplyRule {
  /** Looked for in the reply's text, lines joined by a space, without the codes. */
  text?: RegExp;
  /** Enhanced status codes, the class digit left out: `7.8` stands for 4.7.8 and 5.7.8. */
  status?: readonly string[];
  /** Basic reply codes. */
  reply?: readonly number[];
  /** Only when the reply came at this stage. */
  stage?: string;
  code: ErrorCode;
  /** Default: 4xx is worth another attempt, 5xx is not. */
  retryable?: boolean;
  /** Milliseconds before the next attempt; our proposal, servers do not say. Callers double it up to their own cap. */
  backoffMs?: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * The first rule that fits decides. Google has changed codes under the same words (535 5.7.1 became 535 5.7.8 and 534 5.7.9) and
 * uses 550 5.7.1 for a dozen things, so the words come first, then the enhanced status, then the basic code.
 */
export const REPLY_RULES: readonly ReplyRule[] = [
  // logins
  {
    text: /too many login attempts|too many (failed|unsuccessful)? ?(login|auth)/i,
    code: 'too-many-logins',
    retryable: true,
    backoffMs: 15 * MINUTE,
  },
  { text: /cannot authenticate due to (a )?temporary/i, code: 'server-busy', retryable: true, backoffMs: MINUTE },
  {
    text: /application-specific password required|app(lication)? password (is )?required|InvalidSecondFactor/i,
    code: 'app-password-required',
  },
  { text: /log ?in (via|with|using) your web browser|WebLoginRequired/i, code: 'web-login-required' },
  { text: /basic auth\w* is (disabled|not supported)/i, code: 'unsupported' },
  { text: /invalid credentials for relay/i, code: 'relay-denied' },
  {
    text: /username and password not accepted|BadCredentials|authentication (failed|unsuccessful)|(invalid|incorrect|bad) (credentials|login|username|user ?name|password)/i,
    reply: [535, 534, 530, 550, 554],
    code: 'bad-app-password',
  },
  { text: /must issue a starttls|starttls (is )?required|encryption (is )?required|WantTLSError/i, code: 'starttls-required' },
  { text: /authentication (is )?required|WantAuthError/i, code: 'authentication-required' },

  // limits that pass with time
  { text: /daily smtp relay limit/i, code: 'daily-limit', retryable: true, backoffMs: 24 * HOUR },
  {
    text: /daily (user )?sending (limit|quota)|(sending|daily) (limit|quota) exceeded/i,
    code: 'daily-limit',
    retryable: true,
    backoffMs: HOUR,
  },
  { text: /unusual rate of unsolicited|UnsolicitedRateLimit/i, code: 'rate-limited', backoffMs: HOUR },
  { text: /receiving mail (too quickly|at a rate)/i, code: 'rate-limited', backoffMs: 15 * MINUTE },
  { text: /too many recipients/i, code: 'too-many-recipients', retryable: true, backoffMs: 0 },
  { text: /over ?quota|mailbox (is )?full|out of storage/i, code: 'mailbox-full', backoffMs: HOUR },
  { text: /temporary (system problem|server error)|server busy/i, code: 'server-busy', retryable: true, backoffMs: MINUTE },

  // the message
  {
    text: /exceeded .*(message )?size limit|message (file )?(is )?too (big|large)|message size exceeds|MaxSizeError/i,
    code: 'message-too-large',
  },
  { text: /illegal attachment|potential security issue|BlockedMessage/i, code: 'content-refused' },
  { text: /missing a valid message-?id/i, code: 'mail-protocol' },
  {
    text: /\bSPF\b|\bDKIM\b|\bPTR\b|unauthenticated (e-?mail|sender)|sender is unauthenticated/i,
    status: ['7.1', '7.25', '7.26', '7.27', '7.30'],
    code: 'sender-unauthenticated',
  },
  { text: /unsolicited|low reputation|suspicious|spam/i, code: 'content-refused' },
  { text: /malformed|hop count|too many hops|exceeded 50 hops|mail loop/i, code: 'mail-protocol' },

  // addresses and rights
  { text: /relay(ing)? (access )?denied|mail sending denied|not permitted to relay|relay not permitted/i, code: 'relay-denied' },
  {
    text: /does not exist|(user|recipient|mailbox) (is )?(disabled|inactive|unknown|not found)|is disabled|find the recipient domain|no such user/i,
    stage: 'sender',
    code: 'sender-refused',
  },
  {
    text: /does not exist|(user|recipient|mailbox) (is )?(disabled|inactive|unknown|not found)|account .* is disabled|find the recipient domain|no such user/i,
    code: 'recipient-refused',
  },
  { text: /(helo|ehlo) argument/i, code: 'hello-refused' },
  { text: /policy/i, reply: [550, 554], status: ['7.0', '7.1'], code: 'content-refused' },

  // enhanced status
  { status: ['7.8'], reply: [535, 534], code: 'bad-app-password' },
  { status: ['7.9'], reply: [535, 534], code: 'app-password-required' },
  { status: ['7.14'], reply: [535, 534], code: 'web-login-required' },
  { status: ['7.28'], code: 'rate-limited', backoffMs: HOUR },
  { status: ['7.25', '7.26', '7.27'], code: 'sender-unauthenticated' },
  { status: ['4.5'], reply: [550], code: 'daily-limit', retryable: true, backoffMs: HOUR },
  { status: ['2.2'], reply: [452, 552], code: 'mailbox-full', backoffMs: HOUR },
  { status: ['2.1'], reply: [450], code: 'rate-limited', backoffMs: 15 * MINUTE },
  { status: ['5.3'], reply: [452], code: 'too-many-recipients', retryable: true, backoffMs: 0 },
  { status: ['2.3', '3.4'], reply: [552], code: 'message-too-large' },
  { status: ['7.0'], reply: [552], code: 'content-refused' },
  { status: ['7.0'], reply: [550], code: 'relay-denied' },
  { status: ['1.7', '1.8'], reply: [550, 553, 501], code: 'sender-refused' },
  { status: ['1.1', '1.2', '1.3', '2.1'], reply: [550, 553], stage: 'sender', code: 'sender-refused' },
  { status: ['1.1', '1.2', '1.3', '1.10', '2.1'], reply: [550, 553], code: 'recipient-refused' },
  { status: ['7.0'], reply: [421], code: 'server-busy', backoffMs: 5 * MINUTE },
  { status: ['5.1', '7.0'], reply: [530], code: 'authentication-required' },
  { status: ['5.4'], reply: [501], stage: 'login', code: 'hello-refused' },
  { status: ['5.1', '5.2', '5.4'], reply: [500, 501, 502, 503, 504, 555], code: 'mail-protocol' },
  { status: ['6.0'], reply: [554], code: 'mail-protocol' },
  { status: ['7.1'], reply: [550, 554], stage: 'data', code: 'content-refused' },

  // basic code
  { reply: [454], stage: 'login', code: 'server-busy', backoffMs: MINUTE },
  { reply: [534, 535], code: 'bad-app-password' },
  { reply: [530], code: 'authentication-required' },
  { reply: [538], code: 'starttls-required' },
  { reply: [550, 551, 553], stage: 'recipient', code: 'recipient-refused' },
  { reply: [550, 551, 553], stage: 'sender', code: 'sender-refused' },
  { reply: [552], code: 'message-too-large' },
  { reply: [500, 501, 502, 503, 504, 555], code: 'mail-protocol' },
];

/** What a reply means that no rule knows. */
export const UNKNOWN_TEMPORARY: ReplyRule = { code: 'server-busy', retryable: true, backoffMs: MINUTE };
export const UNKNOWN_PERMANENT: ReplyRule = { code: 'rejected', retryable: false };
