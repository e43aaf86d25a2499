// Writes what is generated: the table of brands in README.md, and docs/troubleshooting.md. A test fails when either is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import shared from '../nodes/shared/locales/en-US/shared.json';
import { DRIVERS } from '../src/cameras/registry.ts';

const root = join(__dirname, '..');

/** README.md with the table that belongs into it. */
export function withCameraTable(readme: string): string {
  const rows = DRIVERS.map(({ vendor, label, brands, evidence, eventsOnly, experimentalTest }) => {
    const others = brands.filter((brand) => brand !== label).join(', ');
    const email = eventsOnly ? 'no' : 'yes';
    const test = eventsOnly ? 'no' : experimentalTest ? 'experimental' : 'yes';
    return `| ${label} | ${others} | ${email} | ${test} | ${evidence} | [facts](src/cameras/${vendor}/facts.md) |\n`;
  });
  const table = `| brand | also sold as | mail settings | its own test mail | evidence | details |\n|---|---|---|---|---|---|\n${rows.join('')}`;
  return readme.replace(
    /(<!-- cameras:begin -->\n)[\s\S]*(<!-- cameras:end -->)/,
    (_all, begin: string, end: string) => begin + table + end,
  );
}

interface ErrorText {
  message: string;
  advice: string;
  for?: Record<string, { message: string; advice: string }>;
}

/** One section for each error code, with the texts that users see. */
export function troubleshooting(): string {
  const sections = Object.entries(shared.errors as Record<string, ErrorText>).map(([code, text]) => {
    const special = Object.entries(text.for ?? {}).map(([field, { message, advice }]) => `- \`${field}\`: ${message} ${advice}\n`);
    return `## ${code}\n\n${plain(text.message)}\n\n**What to do:** ${plain(text.advice)}\n${special.length === 0 ? '' : `\n${plain(special.join(''))}`}`;
  });
  const warnings = Object.entries(shared.warnings).map(([code, text]) => `| \`${code}\` | ${plain(text)} |\n`);
  return `# Troubleshooting

Every error that a node reports has a code. A Catch node finds it in \`msg.error.code\`, with the advice in \`msg.error.cause.advice\`; results have it in \`payload.error\`.

${sections.join('\n')}
## Warnings

| code | meaning |
|---|---|
${warnings.join('')}`;
}

/** A placeholder as readers of the documentation expect it. */
function plain(text: string): string {
  return text.replace(/__(\w+?)__/g, '‹$1›');
}

if (require.main === module) {
  const readme = join(root, 'README.md');
  writeFileSync(readme, withCameraTable(readFileSync(readme, 'utf8')));
  writeFileSync(join(root, 'docs/troubleshooting.md'), troubleshooting());
}
