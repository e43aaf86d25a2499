import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, posix } from 'node:path';

const root = join(__dirname, '..');

interface Import {
  /** Path from the root for our own files, else the package's name. */
  target: string;
  own: boolean;
  typeOnly: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}

/** Static imports, re-exports, `import()` and `require()`. */
function imports(file: string): Import[] {
  const code = readFileSync(join(root, file), 'utf8').replace(/^\s*(?:\/\/|\*|\/\*\*).*$/gm, '');
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean) => {
    if (isBuiltin(specifier)) return;
    const own = specifier.startsWith('.');
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    found.push({ target: own ? posix.normalize(posix.join(posix.dirname(file), specifier)) : name, own, typeOnly });
  };
  for (const match of code.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)) {
    const onlyTypes = match[1] !== undefined || /\{\s*(?:type\s+\w+(?:\s+as\s+\w+)?\s*,?\s*)+\}\s*from/.test(match[0]);
    add(match[2] ?? '', onlyTypes);
  }
  for (const match of code.matchAll(/\b(typeof\s+)?(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    add(match[2] ?? '', match[1] !== undefined);
  }
  return found;
}

const isTestSupport = (file: string) => file.startsWith('src/sandbox/') || /\/simulator(\.ts|\/)/.test(file);
const product = [...sources('src'), ...sources('nodes')].filter((file) => !isTestSupport(file));

function assertNone(offenders: string[]): void {
  assert.deepEqual(offenders, []);
}

function offenders(files: string[], allowed: (one: Import, file: string) => boolean): string[] {
  return files.flatMap((file) =>
    imports(file)
      .filter((one) => !allowed(one, file))
      .map(({ target }) => `${file} imports ${target}`),
  );
}

describe('architecture', () => {
  const LAYERS: Record<string, { from: string[]; types?: string[] }> = {
    core: { from: [] },
    http: { from: ['core'] },
    mail: { from: ['core'] },
    events: { from: ['core', 'http'] },
    cameras: { from: ['core', 'http', 'events'], types: ['mail'] },
    relay: { from: ['core', 'mail', 'events'] },
    discovery: { from: ['core', 'http', 'cameras'] },
    fleet: { from: ['core', 'mail', 'cameras'] },
    homeassistant: { from: ['core', 'events'] },
  };

  it('every folder of src has a rule', () => {
    const folders = new Set(product.filter((file) => file.startsWith('src/')).map((file) => file.split('/')[1] ?? ''));
    assertNone([...folders].filter((folder) => !(folder in LAYERS)));
  });

  for (const [layer, { from, types = [] }] of Object.entries(LAYERS)) {
    it(`src/${layer} imports only ${from.join(', ') || 'itself'}`, () => {
      const files = product.filter((file) => file.startsWith(`src/${layer}/`));
      const allowed = ({ target, own, typeOnly }: Import) => {
        if (!own) return true;
        const [top, folder = ''] = target.split('/');
        return top === 'src' && (folder === layer || from.includes(folder) || (typeOnly && types.includes(folder)));
      };
      assertNone(offenders(files, allowed));
    });
  }

  it('src knows neither the nodes nor Node-RED', () => {
    const files = product.filter((file) => file.startsWith('src/'));
    assertNone(offenders(files, ({ target, own }) => (own ? target.startsWith('src/') : !/^(@node-red|node-red)/.test(target))));
  });

  it('nothing in the product imports the sandbox or a simulator', () => {
    assertNone(offenders(product, ({ target, own }) => !own || !isTestSupport(target)));
  });

  it('no vendor imports another vendor', () => {
    const vendorOf = (path: string) => /^src\/cameras\/([^/]+)\//.exec(path)?.[1];
    const files = product.filter((file) => vendorOf(file) !== undefined);
    assertNone(offenders(files, ({ target }, file) => vendorOf(target) === undefined || vendorOf(target) === vendorOf(file)));
  });

  const FENCES: Record<string, string> = {
    'digest-fetch': 'src/http/',
    'fast-xml-parser': 'src/http/xml.ts',
    nodemailer: 'src/mail/',
    imapflow: 'src/mail/',
    'smtp-server': 'src/relay/',
    mailparser: 'src/relay/',
  };

  it('every third-party library stays behind its fence', () => {
    const allowed = ({ target, own }: Import, file: string) => {
      const fence = FENCES[target];
      return own || target === 'node-red' || (fence !== undefined && file.startsWith(fence));
    };
    assertNone(offenders(product, allowed));
  });

  it('browser code imports only its own config and editor code, and the shared editor code', () => {
    const editor = product.filter((file) => file.endsWith('.editor.ts') || file.startsWith('nodes/shared/editor/'));
    assert.ok(editor.length > 0);
    const allowed = ({ target, own, typeOnly }: Import, file: string) =>
      own &&
      (target === `${posix.dirname(file)}/config.ts` ||
        (posix.dirname(target) === posix.dirname(file) && target.endsWith('.editor.ts')) ||
        target.startsWith('nodes/shared/editor/') ||
        (typeOnly && target === 'nodes/shared/properties.ts'));
    assertNone(offenders(editor, allowed));
  });

  it('what both halves share runs in a browser', () => {
    const seen = new Set<string>();
    const visit = (file: string) => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const { target, own, typeOnly } of imports(file)) if (own && !typeOnly) visit(target);
    };
    product.filter((file) => file.endsWith('/config.ts')).forEach(visit);
    const builtin = /^import\s[^;]*['"](?:node:[^'"]+)['"]/m;
    assertNone([...seen].filter((file) => builtin.test(readFileSync(join(root, file), 'utf8'))));
  });

  it('no file is longer than 300 lines', () => {
    const long = [...sources('src'), ...sources('nodes')]
      .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > 300);
    assertNone(long.map(({ file, lines }) => `${file} has ${lines} lines`));
  });
});
