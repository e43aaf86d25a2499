/** Checks a pasted app password. The browser half imports this file too, so it imports nothing. */
export type AppPasswordProblem = 'empty' | 'too-short' | 'too-long' | 'not-letters' | 'account-password';

export type AppPasswordCheck = { ok: true; password: string } | { ok: false; problem: AppPasswordProblem; letters: number };

/** Unicode white space, and the invisible characters that come along when text is copied from a web page. */
const BLANKS =
  /[\s\u0085\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]|\u034f|\u17b4|\u17b5|\ufe0f/g;
const GMAIL_LETTERS = 16;

/**
 * The password as it has to be sent, without any white space. `gmail`: exactly 16 letters a-z; upper case is folded, because
 * Google shows lower case only and phone keyboards capitalize the first letter. Other services: not empty.
 * `letters` counts what was left without white space.
 */
export function checkAppPassword(raw: string, service: string): AppPasswordCheck {
  const compact = raw.replace(BLANKS, '');
  const letters = [...compact].length;
  const refuse = (problem: AppPasswordProblem): AppPasswordCheck => ({ ok: false, problem, letters });
  if (letters === 0) return refuse('empty');
  if (service !== 'gmail') return { ok: true, password: compact };
  // Letters of other scripts are a typing slip; digits and punctuation are what people put into a password of their own.
  if (/[^\p{L}\p{M}]/u.test(compact)) return refuse('account-password');
  if (!/^[a-z]+$/i.test(compact)) return refuse('not-letters');
  if (letters < GMAIL_LETTERS) return refuse('too-short');
  if (letters > GMAIL_LETTERS) return refuse('too-long');
  return { ok: true, password: compact.toLowerCase() };
}
