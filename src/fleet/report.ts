import type { Change } from '../cameras/driver.ts';

/** One camera in the report. Texts are ready to be read; no secret is in them. */
export interface ReportRow {
  name: string;
  host: string;
  brand: string;
  model: string;
  firmware: string;
  /** `applied`, `failed` …: its word is `outcomes.<outcome>` in the catalog. */
  outcome: string;
  changes: readonly Change[];
  warnings: readonly string[];
  /** Empty: none. */
  error: string;
  /** From the camera's "send" to the mailbox, when the mail was found there. */
  mailMs: number | undefined;
  /** What the camera took in all. */
  ms: number;
}

/** A text of the catalog in the user's language. */
export type Say = (key: string, values?: Record<string, string | number>) => string;

const COLUMNS = ['name', 'host', 'brand', 'model', 'firmware', 'outcome', 'changes', 'warnings', 'error', 'mailMs', 'ms'] as const;
type Column = (typeof COLUMNS)[number];

/** RFC 4180 with a header line of fixed names, so that flows can read it; cells that a spreadsheet would run as a formula begin with `'`. */
export function reportCsv(rows: readonly ReportRow[]): string {
  const lines = rows.map((row) => COLUMNS.map((column) => csvCell(row, column)).join(','));
  return [COLUMNS.join(','), ...lines, ''].join('\r\n');
}

function csvCell(row: ReportRow, column: Column): string {
  const value = cell(row, column);
  if (typeof value === 'number') return String(value);
  const text = value.replace(/\r\n?|\n/g, ' ');
  // Spreadsheets skip blanks before the sign, and know its full-width forms.
  const inert = /^[\s\u0000]*[=+\-@＝＋－＠\t]/.test(value) || /^[\t\r\n]/.test(value) ? `'${text}` : text;
  return /[",']|^\s|\s$/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

/** A page that needs nothing but itself: to look at, to print, to send on. `at` is the time that it shows. */
export function reportHtml(rows: readonly ReportRow[], at: string, say: Say): string {
  const title = escaped(say('report.title'));
  const counts = new Map<string, number>();
  for (const { outcome } of rows) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const summary = [...counts].map(([outcome, count]) => `<b>${count}</b> ${escaped(say(`outcomes.${outcome}`))}`).join(' · ');
  const head = COLUMNS.map((column) => `<th scope="col">${escaped(say(`report.columns.${column}`))}</th>`).join('');
  const body = rows.map((row) => `<tr class="${outcomeClass(row)}">${COLUMNS.map((column) => htmlCell(row, column, say)).join('')}</tr>`);
  return `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
<p><time datetime="${escaped(at)}">${escaped(at)}</time> · ${summary}</p>
<table>
<thead><tr>${head}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light; }
body { font: 14px/1.4 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 24px; }
h1 { font-size: 20px; margin: 0 0 4px; }
table { border-collapse: collapse; width: 100%; margin-top: 16px; }
th, td { border: 1px solid #ccc; padding: 4px 8px; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #f2f2f2; white-space: nowrap; }
td ul { margin: 0; padding-left: 16px; }
td.number { text-align: right; white-space: nowrap; }
tr.bad td.outcome { color: #a40000; font-weight: 600; }
tr.noted td.outcome { color: #7a5200; font-weight: 600; }
tr.good td.outcome { color: #14621f; font-weight: 600; }
@page { size: landscape; margin: 12mm; }
@media print {
  body { margin: 0; font-size: 9pt; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
}
`;

const BAD = ['failed', 'rolled-back', 'skipped'];

function outcomeClass({ outcome, warnings }: ReportRow): 'bad' | 'noted' | 'good' {
  if (BAD.includes(outcome)) return 'bad';
  return warnings.length > 0 || outcome === 'drifted' ? 'noted' : 'good';
}

function htmlCell(row: ReportRow, column: Column, say: Say): string {
  if (column === 'changes') return `<td>${htmlList(row.changes.map(changeText))}</td>`;
  if (column === 'warnings') return `<td>${htmlList(row.warnings)}</td>`;
  if (column === 'outcome') return `<td class="outcome">${escaped(say(`outcomes.${row.outcome}`))}</td>`;
  const value = cell(row, column);
  return typeof value === 'number' ? `<td class="number">${(value / 1000).toFixed(1)} s</td>` : `<td>${escaped(value)}</td>`;
}

function htmlList(items: readonly string[]): string {
  return items.length === 0 ? '' : `<ul>${items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
}

function cell(row: ReportRow, column: Column): string | number {
  if (column === 'changes') return row.changes.map(changeText).join('; ');
  if (column === 'warnings') return row.warnings.join('; ');
  return row[column] ?? '';
}

function changeText({ field, from, to }: Change): string {
  return `${field}: ${valueText(from)} → ${valueText(to)}`;
}

function valueText(value: unknown): string {
  if (value === undefined || value === '') return '–';
  return Array.isArray(value) ? value.join(', ') || '–' : String(value);
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
