// Writes the table of brands into README.md, from the registry. A test fails when it is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DRIVERS } from '../src/cameras/registry.ts';

const README = join(__dirname, '..', 'README.md');

/** README.md with the table that belongs into it. */
export function withCameraTable(readme: string): string {
  const rows = DRIVERS.map(({ vendor, label, brands, evidence }) => {
    const others = brands.filter((brand) => brand !== label).join(', ');
    return `| ${label} | ${others} | ${evidence} | [facts](src/cameras/${vendor}/facts.md) |\n`;
  });
  const table = `| brand | also sold as | evidence | details |\n|---|---|---|---|\n${rows.join('')}`;
  return readme.replace(
    /(<!-- cameras:begin -->\n)[\s\S]*(<!-- cameras:end -->)/,
    (_all, begin: string, end: string) => begin + table + end,
  );
}

if (require.main === module) writeFileSync(README, withCameraTable(readFileSync(README, 'utf8')));
