// Builds dist/: both halves of every node, its catalogs, help and icon. Stops with an error at the first thing that does not fit.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const types = Object.keys(readJson(join(root, 'package.json'))['node-red'].nodes);
const style = readFileSync(join(root, 'nodes/shared/editor/style.css'), 'utf8');

rmSync(join(root, 'dist'), { recursive: true, force: true });
compile();
const bundles = await bundleEditors();
for (const type of types) {
  const target = join(root, 'dist/nodes', type);
  if (!existsSync(join(target, `${type}.js`))) throw new Error(`nodes/${type}/${type}.ts is missing`);
  writeHtml(type, target);
  copyIcon(type, target);
  for (const language of readdirSync(join(root, 'nodes', type, 'locales'))) writeLocale(type, language, target);
}

function compile() {
  const typescript = join(root, 'node_modules/typescript');
  const tsc = join(typescript, readJson(join(typescript, 'package.json')).bin.tsc);
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

/** One self-contained script for each node. Not minified: the flow library reads the type and category out of it. */
async function bundleEditors() {
  const { outputFiles } = await build({
    entryPoints: types.map((type) => join(root, 'nodes', type, `${type}.editor.ts`)),
    outdir: join(root, 'dist/nodes'),
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2020',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  });
  return new Map(outputFiles.map(({ path, text }) => [path.split(/[\\/]/).at(-1)?.replace('.editor.js', ''), text]));
}

function writeHtml(type, target) {
  const form = readFileSync(join(root, 'nodes', type, `${type}.html`), 'utf8');
  const script = bundles.get(type);
  if (script === undefined || /<\/script/i.test(script)) throw new Error(`the editor bundle of ${type} cannot be put into its html`);
  const html = `<style>\n${style}</style>\n<script type="text/javascript">\n${script}</script>\n${form}`;
  writeFileSync(join(target, `${type}.html`), html);
}

function copyIcon(type, target) {
  mkdirSync(join(target, 'icons'), { recursive: true });
  cpSync(join(root, 'icons', `${type}.svg`), join(target, 'icons', `${type}.svg`));
}

/** Node-RED keeps one catalog for each node: its own texts and those shared by all. */
function writeLocale(type, language, target) {
  const folder = join(target, 'locales', language);
  mkdirSync(folder, { recursive: true });
  const own = readJson(join(root, 'nodes', type, 'locales', language, `${type}.json`));
  const shared = readJson(join(root, 'nodes/shared/locales', language, 'shared.json'));
  const twice = Object.keys(own).find((key) => key in shared);
  if (twice !== undefined) throw new Error(`"${twice}" is in the catalog of ${type} and in shared.json`);
  writeFileSync(join(folder, `${type}.json`), JSON.stringify({ ...own, ...shared }, null, 2));
  cpSync(join(root, 'nodes', type, 'locales', language, `${type}.html`), join(folder, `${type}.html`));
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
