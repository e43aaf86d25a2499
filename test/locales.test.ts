import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAIL_EVENTS } from '../nodes/configure-camera-email/config.ts';
import { ERROR_CODES } from '../src/core/errors.ts';

const root = join(__dirname, '..');

interface Texts {
  [key: string]: string | Texts;
}

const PARAMS = 'host port seconds deviceSays field value limit expected seen until camera mailbox count done total ok failed'.split(' ');
const OWN_PARAMS = ['vendor', 'brands'];

function files(folder: string, ends: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ends))
    .map((entry) => join(entry.parentPath, entry.name));
}

function section(name: string): Texts {
  const found = (shared as Texts)[name];
  assert.ok(typeof found === 'object', `shared.json has no ${name}`);
  return found;
}

function leaves(texts: Texts, path = ''): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[`${path}${key}`, value]] : leaves(value, `${path}${key}.`),
  );
}

const read = (file: string): Texts => JSON.parse(readFileSync(file, 'utf8'));
const shared = read(join(root, 'nodes/shared/locales/en-US/shared.json'));

describe('locales', () => {
  it('every error code has a message and an advice, and no text is left over', () => {
    const errors = section('errors');
    assert.deepEqual(Object.keys(errors).sort(), Object.keys(ERROR_CODES).sort());
    for (const [code, texts] of Object.entries(errors)) {
      assert.ok(typeof texts === 'object' && typeof texts.message === 'string' && typeof texts.advice === 'string', code);
      assert.ok(texts.message.length > 0 && texts.advice.length > 0, code);
    }
  });

  it('every warning that the code gives has a text', () => {
    const used = new Set<string>();
    for (const file of files('src', '.ts').filter((name) => !/sandbox|simulator/.test(name))) {
      const code = readFileSync(file, 'utf8');
      for (const statement of code.match(/warnings\s*(?:\.push\(|[:=]\s*\[)[^;]*?;/g) ?? []) {
        for (const [literal] of statement.matchAll(/'[a-z]+(?:-[a-z]+)+'/g)) used.add(literal.slice(1, -1));
      }
    }
    assert.ok(used.size > 0);
    const known = section('warnings');
    assert.deepEqual(
      [...used].filter((code) => !(code in known)),
      [],
    );
  });

  it('every stage, outcome, verdict and event has a word', () => {
    assert.deepEqual(Object.keys(section('stages')), 'dns connect tls login sender recipient data camera arrival'.split(' '));
    assert.deepEqual(
      Object.keys(section('outcomes')),
      'planned unchanged applied verified drifted restored rolled-back failed skipped'.split(' '),
    );
    assert.deepEqual(Object.keys(section('verdicts')), ['arrived', 'accepted', 'inconclusive', 'failed']);
    for (const type of MAIL_EVENTS) assert.ok(type in section('events'), type);
  });

  it('every reason that a validator gives has a text', () => {
    const code = files('nodes', '.ts').filter((name) => /config\.ts|properties\.ts|camera-list\.ts/.test(name));
    const known = section('reasons');
    const given = code.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/(?:\? |: |\|\| |return |reasons\.)'?(?!camera-email)([a-z]+(?:-[a-z]+)+)'/g)].map(
        (match) => match[1] ?? '',
      ),
    );
    const texts = [
      ...given,
      ...['empty', 'too-short', 'too-long', 'not-letters', 'account-password'].map((problem) => `password-${problem}`),
    ];
    assert.deepEqual([...new Set(texts)].sort(), Object.keys(known).sort());
  });

  for (const file of files('nodes', '.json')) {
    it(`${file.slice(root.length + 1)}: texts are not empty and their placeholders are known`, () => {
      for (const [key, text] of leaves(read(file))) {
        assert.notEqual(text.trim(), '', key);
        const rest = text.replace(/__([A-Za-z]+)__/g, (_, name: string) => {
          assert.ok([...PARAMS, ...OWN_PARAMS].includes(name), `${key}: __${name}__`);
          return '';
        });
        assert.ok(!rest.includes('__') && !rest.includes('{{'), `${key}: broken placeholder in "${text}"`);
      }
    });
  }
});
