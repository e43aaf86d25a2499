import { inspect } from 'node:util';

const MASK = '•';
/** Shorter values ("admin", "1234") occur in innocent text and would tear holes into every message. */
const SHORTEST = 6;
const known = new Set<WeakRef<Secret>>();
/** What each secret looks like in a text: plain, percent-encoded, base64. */
const formsOf = new WeakMap<Secret, readonly string[]>();

/**
 * A password that cannot be printed: every way of turning it into text yields bullets. Only `reveal()` gives it back,
 * so that one search finds every place where a secret leaves the process.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    if (value !== '') known.add(new WeakRef(this));
  }

  reveal(): string {
    return this.#value;
  }

  get isEmpty(): boolean {
    return this.#value === '';
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [Symbol.toPrimitive](): string {
    return MASK;
  }

  [inspect.custom](): string {
    return `Secret(${MASK})`;
  }
}

/** Bullets in place of every living secret that occurs in a text, plain, base64 or percent-encoded. Used on all text that a device or server sent. */
export function redact(text: string): string {
  if (text.length < SHORTEST) return text;
  let clean = text;
  // A fleet has hundreds of secrets, most of them the same.
  const done = new Set<string>();
  for (const ref of known) {
    const secret = ref.deref();
    if (secret === undefined) {
      known.delete(ref);
      continue;
    }
    const value = secret.reveal();
    if (value.length < SHORTEST || done.has(value)) continue;
    done.add(value);
    const forms = formsOf.get(secret) ?? [
      ...new Set([value, encodeURIComponent(value.toWellFormed()), Buffer.from(value, 'utf8').toString('base64')]),
    ];
    formsOf.set(secret, forms);
    for (const form of forms) clean = clean.replaceAll(form, MASK);
  }
  return clean;
}
