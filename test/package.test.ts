import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');

interface Texts {
  [key: string]: string | Texts;
}

const json = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));
const manifest = json('package.json');
const types = Object.keys(manifest['node-red'].nodes);
const built = (type: string, ...path: string[]) => join('dist/nodes', type, ...path);
const read = (file: string) => readFileSync(join(root, file), 'utf8');

function files(folder: string, matches: RegExp): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && matches.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

function keys(texts: Texts, path = ''): string[] {
  return Object.entries(texts).flatMap(([key, value]) => (typeof value === 'string' ? [`${path}${key}`] : keys(value, `${path}${key}.`)));
}

describe('package', () => {
  it('config nodes come first, so that the others find them', () => {
    assert.deepEqual(types.slice(0, 2), ['gmail-account', 'camera-device']);
  });

  for (const type of types) {
    describe(type, () => {
      it('has its runtime, form, help, icon and texts in the build', () => {
        assert.equal(manifest['node-red'].nodes[type], built(type, `${type}.js`).replaceAll('\\', '/'));
        for (const file of [
          built(type, `${type}.js`),
          built(type, `${type}.html`),
          built(type, 'icons', `${type}.svg`),
          built(type, 'locales/en-US', `${type}.json`),
          built(type, 'locales/en-US', `${type}.html`),
        ]) {
          assert.ok(existsSync(join(root, file)), `${file} is missing`);
        }
        assert.ok(read(built(type, 'locales/en-US', `${type}.html`)).includes(`data-help-name="${type}"`));
      });

      it('registers with a literal type, category and icon', () => {
        const html = read(built(type, `${type}.html`));
        assert.ok(html.includes('<script type="text/javascript">') && html.includes(`data-template-name="${type}"`));
        const definition = /RED\.nodes\.registerType\("([^"]+)", \{\s*category: "([^"]+)"/.exec(html);
        assert.equal(definition?.[1], type);
        assert.ok(['config', 'camera email'].includes(definition?.[2] ?? ''), definition?.[2]);
        assert.ok(html.includes(`icon: "${type}.svg"`));
        assert.doesNotMatch(html, /defaults: \{\s*\.\.\./, 'the flow library cannot read a definition with a spread');
      });

      it('every text that the form and the dialog use exists, and no own text is left over', () => {
        const catalog = keys(json(built(type, 'locales/en-US', `${type}.json`)));
        const html = read(built(type, `${type}.html`));
        const literal = [...html.matchAll(/data-i18n="(?:\[\w+\])?([^"]+)"|\b_\("([\w.-]+)"|"([\w-]+(?:\.[\w-]+)+)"/g)]
          .map(([, attribute, call, text]) => attribute ?? call ?? text ?? '')
          .filter((key) => !/\.(svg|com)$/.test(key) && catalog.some((one) => one.split('.')[0] === key.split('.')[0]));
        const missing = literal.filter((key) => !catalog.includes(key));
        assert.deepEqual(missing, []);
        const dynamic = [...html.matchAll(/`([\w-]+\.[\w-]+)?[.-]?\$\{|`([\w-]+)\.\$\{/g)].map((match) => match[1] ?? match[2] ?? '');
        const prefixes = [...dynamic.filter((prefix) => prefix !== ''), `${type}.label`];
        const unused = catalog
          .filter((key) => key.startsWith(`${type}.`))
          .filter((key) => !literal.includes(key) && !prefixes.some((prefix) => prefix !== type && key.startsWith(`${prefix}.`)))
          .filter((key) => !new RegExp(`\`${type}\\.\\$\\{[^}]*"${key.slice(type.length + 1)}"`).test(html));
        assert.deepEqual(unused, []);
      });

      it('every control of the form has a label', () => {
        const html = read(built(type, `${type}.html`));
        for (const [, id] of html.matchAll(/<(?:input|select)\b[^>]*\bid="([^"]+)"/g)) {
          assert.ok(html.includes(`for="${id}"`), `${id} has no label`);
        }
      });

      it('takes its colors from the editor', () => {
        const css = /<style>([\s\S]*?)<\/style>/.exec(read(built(type, `${type}.html`)))?.[1] ?? '';
        assert.ok(css.includes('--red-ui-'));
        assert.deepEqual(css.match(/#[0-9a-f]{3,8}\b|\brgba?\(/gi) ?? [], []);
      });
    });
  }

  it('the examples use every node and hold no secret', () => {
    const examples = files('examples', /\.json$/);
    if (examples.length === 0) return;
    const nodes: Record<string, unknown>[] = examples.flatMap((file) => json(file));
    const used = new Set(nodes.map((node) => node.type));
    assert.deepEqual(
      types.filter((type) => !used.has(type)),
      [],
    );
    const secrets = nodes.filter((node) => ['credentials', 'appPassword', 'password', 'username', 'users'].some((key) => key in node));
    assert.deepEqual(
      secrets.map(({ id }) => id),
      [],
    );
  });

  it('every dependency can be required and is imported by the product', () => {
    const sources = [...files('src', /\.ts$/), ...files('nodes', /\.ts$/)].filter((file) => !/sandbox|simulator/.test(file)).map(read);
    for (const dependency of Object.keys(manifest.dependencies)) {
      assert.ok(require(dependency), dependency);
      const imported = new RegExp(`(?:(?:from|import) |(?:import|require)\\()'${dependency}(?:/[^']*)?'`);
      assert.ok(
        sources.some((source) => imported.test(source)),
        `${dependency} is not imported anywhere`,
      );
    }
  });

  it('the published package holds the product and nothing else', () => {
    const packed = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8', shell: true });
    const paths: string[] = JSON.parse(packed.stdout)[0].files.map(({ path }: { path: string }) => path);
    for (const type of types) assert.ok(paths.includes(`dist/nodes/${type}/${type}.js`), type);
    const strangers = paths.filter((path) => !/^(dist|examples|docs)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path));
    assert.deepEqual(strangers, []);
    assert.deepEqual(
      paths.filter((path) => /sandbox|simulator|samples|\.test\.|\.editor\.|\.map$/.test(path)),
      [],
    );
  });
});
