export interface ChallengeParameter {
  value: string;
  /** Some devices compare the algorithm as text, quotes included, so it goes back the way it came. */
  quoted: boolean;
}

/** One login scheme that a device offers in WWW-Authenticate. Scheme and parameter names are in lower case. */
export interface Challenge {
  scheme: string;
  parameters: ReadonlyMap<string, ChallengeParameter>;
}

/** `name=value`, `name="quoted \" value"`, or a lone word: the name of the next scheme. Commas and spaces both separate. */
const PART = /([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|"?([^\s,]*))|([!#$%&'*+.^_`|~\w-]+)/gs;

/** Reads WWW-Authenticate: one or several challenges, in one header or in several joined with commas. Never throws. */
export function parseChallenges(header: string | null | undefined): Challenge[] {
  const challenges: Challenge[] = [];
  let parameters: Map<string, ChallengeParameter> | undefined;
  for (const [, name, quoted, plain, scheme] of (header ?? '').matchAll(PART)) {
    if (scheme !== undefined) {
      parameters = new Map();
      challenges.push({ scheme: scheme.toLowerCase(), parameters });
    } else if (name !== undefined && parameters !== undefined && !parameters.has(name.toLowerCase())) {
      const value = quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/gs, '$1');
      parameters.set(name.toLowerCase(), { value, quoted: quoted !== undefined });
    }
  }
  return challenges;
}

/** The device says that the login was right and only its nonce too old: `stale=TRUE`, in quotes or not. */
export function isStale(challenges: readonly Challenge[]): boolean {
  return challenges.some(({ scheme, parameters }) => scheme === 'digest' && parameters.get('stale')?.value.toLowerCase() === 'true');
}

const HASHES = ['md5', 'md5-sess', 'sha-256', 'sha-256-sess', 'sha-512-256', 'sha-512-256-sess'];

/**
 * The Digest challenge that can be answered: MD5 first, because cameras that add SHA-256 are best tried with MD5, then the others.
 * Undefined when there is none.
 */
export function chooseDigest(challenges: readonly Challenge[]): Challenge | undefined {
  const rank = ({ parameters }: Challenge) => HASHES.indexOf((parameters.get('algorithm')?.value ?? 'MD5').toLowerCase());
  return challenges
    .filter((challenge) => challenge.scheme === 'digest' && challenge.parameters.has('nonce') && rank(challenge) >= 0)
    .sort((a, b) => rank(a) - rank(b))[0];
}

/** True when a challenge offers Basic. */
export function offersBasic(challenges: readonly Challenge[]): boolean {
  return challenges.some(({ scheme }) => scheme === 'basic');
}
