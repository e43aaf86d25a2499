import type { ErrorCode } from '../core/errors.ts';
import { REPLY_RULES, type ReplyRule, UNKNOWN_PERMANENT, UNKNOWN_TEMPORARY } from './reply-rules.ts';

export interface ReplyMeaning {
  code: ErrorCode;
  retryable: boolean;
  /** A page of Google's that the reply names. */
  link?: string;
  /** Milliseconds before the next attempt. */
  backoffMs?: number;
}

interface ParsedReply {
  code: number;
  /** Enhanced status without the class digit, '' when there is none. */
  status: string;
  text: string;
}

/** What an SMTP reply means; its lines are joined by \n. An unknown 4xx is `server-busy`, an unknown 5xx `rejected`. */
export function explainSmtpReply(reply: string, context: { stage?: string } = {}): ReplyMeaning {
  const parsed = parseReply(reply);
  const temporary = parsed.code < 500;
  const rule =
    REPLY_RULES.find((candidate) => fits(candidate, parsed, context.stage)) ?? (temporary ? UNKNOWN_TEMPORARY : UNKNOWN_PERMANENT);
  const meaning: ReplyMeaning = { code: rule.code, retryable: rule.retryable ?? temporary };
  const link = googleLink(reply);
  if (link !== undefined) meaning.link = link;
  if (meaning.retryable && rule.backoffMs !== undefined) meaning.backoffMs = rule.backoffMs;
  return meaning;
}

function fits(rule: ReplyRule, { code, status, text }: ParsedReply, stage: string | undefined): boolean {
  if (rule.text !== undefined && !rule.text.test(text)) return false;
  if (rule.reply !== undefined && !rule.reply.includes(code)) return false;
  if (rule.stage !== undefined && rule.stage !== stage) return false;
  return rule.status === undefined || rule.status.includes(status);
}

function parseReply(reply: string): ParsedReply {
  const lines = reply.split(/\r?\n/);
  const first = /^(\d{3})(?:[- ]+[245]\.(\d{1,3}\.\d{1,3}))?/.exec(lines[0]?.trim() ?? '');
  return { code: Number(first?.[1] ?? 0), status: first?.[2] ?? '', text: lines.map(withoutCodes).join(' ').replace(/\s+/g, ' ') };
}

function withoutCodes(line: string): string {
  return line.replace(/^\s*\d{3}[- ]?(?:[245]\.\d{1,3}\.\d{1,3}\b ?)?/, '');
}

/** Only Google's own pages: the text comes from the network and ends up as a link that the user is told to follow. */
export function googleLink(reply: string): string | undefined {
  // A long URL in angle brackets is wrapped over several lines of the reply.
  const unwrapped = reply
    .split(/\r?\n/)
    .map(withoutCodes)
    .join('\n')
    .replace(/<https:[^<>]*>/g, (url) => url.replace(/\s+/g, ''));
  const urls = unwrapped.match(/https:\/\/(?:support|accounts)\.google\.com\/[^\s<>"']*/g) ?? [];
  const found = urls.find((url) => url.startsWith('https://support.')) ?? urls[0];
  return found?.replace(/[.,;)]+$/, '');
}
