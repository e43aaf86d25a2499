import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { troubleshooting, withCameraTable } from '../scripts/tables.ts';

const read = (file: string) => readFileSync(join(__dirname, '..', file), 'utf8');

describe('the documents that are generated ("npm run tables" writes them)', () => {
  it('README.md has the table of cameras that the registry gives', () => {
    assert.equal(read('README.md'), withCameraTable(read('README.md')));
  });

  it('docs/troubleshooting.md has the texts that users see', () => {
    assert.equal(read('docs/troubleshooting.md'), troubleshooting());
  });
});

describe('the links of the documents', () => {
  const guides = readdirSync(join(__dirname, '../docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : []));
  const links = (file: string) => [...read(file).matchAll(/\]\(([^)#]+)[^)]*\)/g)].flatMap(([, target = '']) => target);

  for (const file of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...guides]) {
    it(`${file}: all of them lead somewhere`, () => {
      const own = links(file).filter((target) => !/^https?:/.test(target));
      assert.deepEqual(
        own.filter((target) => !existsSync(join(__dirname, '..', dirname(file), target))),
        [],
      );
    });
  }

  it('README.md names every guide', () => {
    assert.deepEqual(
      guides.filter((guide) => !links('README.md').includes(guide)),
      [],
    );
  });

  it('CONTRIBUTING.md says what is in each folder of src', () => {
    const folders = readdirSync(join(__dirname, '../src'));
    assert.deepEqual(
      folders.filter((folder) => !read('CONTRIBUTING.md').includes(`| \`src/${folder}\` |`)),
      [],
    );
  });
});

describe('README.md', () => {
  it('has the two set-up commands', () => {
    assert.ok(read('README.md').includes('npm install && npm start'));
    assert.ok(read('README.md').includes('npm install && npm test'));
  });
});
