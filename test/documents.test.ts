import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withCameraTable } from '../scripts/camera-table.ts';

const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8');

describe('README.md', () => {
  it('has the table of cameras that the registry gives ("npm run tables" writes it)', () => {
    assert.equal(readme, withCameraTable(readme));
  });

  it('has the two set-up commands', () => {
    assert.ok(readme.includes('npm install && npm start'));
    assert.ok(readme.includes('npm install && npm test'));
  });
});
