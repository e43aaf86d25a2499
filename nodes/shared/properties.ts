/** What Node-RED saved, which may be older than this release, hand-written, or text in place of numbers. */
export type Saved = Readonly<Record<string, unknown>>;

/** `true`, or the key under `reasons` in the locale that says what is wrong. */
export type Verdict = true | string;
/** `saved` holds the other properties of the same node: some rules depend on a neighbor. */
export type Validator = (value: unknown, saved: Saved) => Verdict;
export type Validators = Readonly<Record<string, Validator>>;

/** `${NAME}`: Node-RED puts the environment variable in its place when the flow starts. */
export function isEnvironmentVariable(value: unknown): boolean {
  return typeof value === 'string' && /^\$\{[^{}\s]+\}$/.test(value.trim());
}

export function text(value: unknown, fallback = ''): string {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' ? String(value) : fallback;
}

/** Any whole or broken number, also as text. Empty and unreadable values give the fallback. */
export function numberOr<T>(value: unknown, fallback: T): number | T {
  if (typeof value === 'string' && value.trim() === '') return fallback;
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : fallback;
}

/** Checkboxes come as booleans, environment variables as text. */
export function flag(value: unknown, fallback: boolean): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === '1' || value === 1) return true;
  if (value === 'false' || value === '0' || value === 0) return false;
  return fallback;
}

export function oneOf<T extends string>(value: unknown, allowed: readonly T[], fallback: T): T {
  return allowed.find((item) => item === value) ?? fallback;
}

/** An array of non-empty texts; a single comma-separated text counts as one. */
export function list(value: unknown): string[] {
  const items: unknown[] = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [];
  return items.map((item) => text(item)).filter((item) => item !== '');
}

/** Accepts a number within the bounds, an environment variable and, when `optional`, nothing. */
export function numberBetween(min: number, max: number, { optional = false, whole = true } = {}): Validator {
  return (value) => {
    if (value === undefined || value === null || text(value) === '') return optional ? true : 'number-missing';
    if (isEnvironmentVariable(value)) return true;
    const number = numberOr(value, Number.NaN);
    if (Number.isNaN(number)) return 'not-a-number';
    if (whole && !Number.isInteger(number)) return 'not-a-whole-number';
    if (number < min) return 'number-too-small';
    return number <= max || 'number-too-large';
  };
}

export const port = numberBetween(1, 65535, { optional: true });

export function choice(allowed: readonly string[]): Validator {
  return (value) => isEnvironmentVariable(value) || allowed.includes(text(value)) || 'unknown-choice';
}

/** One address: something, `@`, a domain. More is for the mail server to judge. */
export function isAddress(value: string): boolean {
  return /^[^\s@,;<>"]+@[^\s@,;<>"]+$/.test(value) && value.length <= 254;
}

/** Addresses as the mail half reads them: separated by commas or semicolons, `Name <a@b>` too. Empty is fine, and so are the words in `also`. */
export function addresses(...also: string[]): Validator {
  return (value) => {
    const whole = text(value);
    if (whole === '' || isEnvironmentVariable(whole) || also.includes(whole)) return true;
    const entries = whole.replace(/"[^"]*"/g, '').split(/[,;\n]/);
    return (
      entries.every((entry) => entry.trim() === '' || isAddress(/<([^<>]*)>\s*$/.exec(entry)?.[1] ?? entry.trim())) || 'not-an-address'
    );
  };
}

/** A name or an IP address: no scheme, no path, no blanks, no port (an IPv6 address has its colons). */
export function hostProblem(value: string): Verdict {
  if (isEnvironmentVariable(value)) return true;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return 'host-is-a-link';
  if (/[\s/@?#]/.test(value)) return 'not-a-host';
  const bare = value.replace(/^\[(.*)\]$/, '$1');
  const colons = bare.split(':').length - 1;
  if (colons === 1) return 'host-has-a-port';
  if (colons > 1) return /^[0-9a-f:.]+(%[\w.-]+)?$/i.test(bare) || 'not-a-host';
  return /^[\p{L}\p{N}_]([\p{L}\p{N}_.-]*)$/u.test(bare) || 'not-a-host';
}

/** Every property that its validator refuses. */
export function problems(validators: Validators, saved: Saved): { field: string; reason: string }[] {
  const found: { field: string; reason: string }[] = [];
  for (const [field, validate] of Object.entries(validators)) {
    const verdict = validate(saved[field], saved);
    if (verdict !== true) found.push({ field, reason: verdict });
  }
  return found;
}
