/** Checks a pasted app password. The browser half imports this file too, so it imports only what runs there. */
import { mailService } from './services.ts';

export type AppPasswordProblem = 'empty' | 'too-short' | 'too-long' | 'not-letters' | 'account-password';

/** `unusual`: taken, though the service's app passwords are known to look otherwise. */
export type AppPasswordCheck = { ok: true; password: string; unusual?: true } | { ok: false; problem: AppPasswordProblem; letters: number };

/** Unicode white space, and the invisible characters that come along when text is copied from a web page. */
const BLANKS =
  /[\s\u0085\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]|\u034f|\u17b4|\u17b5|\ufe0f/g;
const GOOGLE_LETTERS = 16;

/**
 * The password as it has to be sent, without any white space. Google's services: exactly 16 letters a-z; upper case is folded,
 * because Google shows lower case only and phone keyboards capitalize the first letter. Other services: not empty.
 * `letters` counts what was left without white space.
 */
export function checkAppPassword(raw: string, service: string): AppPasswordCheck {
  const compact = raw.replace(BLANKS, '');
  const letters = [...compact].length;
  const refuse = (problem: AppPasswordProblem): AppPasswordCheck => ({ ok: false, problem, letters });
  if (letters === 0) return refuse('empty');
  if (!hasGooglePasswords(service)) {
    const unusual = mailService(service)?.pattern?.test(compact) === false;
    return { ok: true, password: compact, ...(unusual ? { unusual } : {}) };
  }
  // Letters of other scripts are a typing slip; digits and punctuation are what people put into a password of their own.
  if (/[^\p{L}\p{M}]/u.test(compact)) return refuse('account-password');
  if (!/^[a-z]+$/i.test(compact)) return refuse('not-letters');
  if (letters < GOOGLE_LETTERS) return refuse('too-short');
  if (letters > GOOGLE_LETTERS) return refuse('too-long');
  return { ok: true, password: compact.toLowerCase() };
}

/** 16 letters and nothing else, as long as Google has had them. */
export function hasGooglePasswords(service: string): boolean {
  return service === 'gmail' || service === 'workspace-relay';
}
