import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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

describe('README.md', () => {
  it('has the two set-up commands', () => {
    assert.ok(read('README.md').includes('npm install && npm start'));
    assert.ok(read('README.md').includes('npm install && npm test'));
  });
});
