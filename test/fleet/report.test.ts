import assert from 'node:assert/strict';
import { type ReportRow, reportCsv, reportHtml } from '../../src/fleet/report.ts';

const ROW: ReportRow = {
  name: 'Front door',
  host: '192.0.2.7',
  brand: 'Hikvision',
  model: 'DS-2CD2143G2-I',
  firmware: 'V5.7.18',
  outcome: 'applied',
  changes: [{ field: 'recipients', from: [], to: ['a@example.test', 'b@example.test'] }],
  warnings: [],
  error: '',
  mailMs: 1234,
  ms: 2000,
};
const say = (key: string) => `<${key}>`;

describe('the report', () => {
  it('as CSV has one header line and one line a camera, with CRLF', () => {
    assert.equal(
      reportCsv([ROW, { ...ROW, name: 'Garage', mailMs: undefined, changes: [] }]),
      'name,host,brand,model,firmware,outcome,changes,warnings,error,mailMs,ms\r\n' +
        'Front door,192.0.2.7,Hikvision,DS-2CD2143G2-I,V5.7.18,applied,"recipients: – → a@example.test, b@example.test",,,1234,2000\r\n' +
        'Garage,192.0.2.7,Hikvision,DS-2CD2143G2-I,V5.7.18,applied,,,,,2000\r\n',
    );
  });

  it('as CSV quotes what has to be quoted and keeps every camera on its line', () => {
    const line = reportCsv([{ ...ROW, changes: [], name: 'Tor "Süd", hinten', error: 'one\r\ntwo' }]).split('\r\n');
    assert.equal(line.length, 3);
    assert.ok(line[1]?.startsWith('"Tor ""Süd"", hinten",'), line[1]);
    assert.ok(line[1]?.includes(',one two,'));
  });

  it('as CSV never starts a cell like a formula, whatever a device calls itself', () => {
    for (const name of ['=HYPERLINK("http://x")', '+1', '-1+1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1']) {
      const cell = reportCsv([{ ...ROW, changes: [], name }]).split('\r\n')[1] ?? '';
      assert.match(cell, /^"?'/, JSON.stringify(name));
    }
  });

  it('as a page escapes what devices say, and translates what we say', () => {
    const page = reportHtml(
      [{ ...ROW, model: '<script>alert(1)</script>', warnings: ['"quoted" & <b>'], outcome: 'failed', error: "it's" }],
      '2026-01-02T03:04:05.000Z',
      say,
    );
    assert.doesNotMatch(page, /<script|<b>"|<report\.|<outcomes\./);
    assert.ok(page.includes('&#60;script&#62;alert(1)&#60;/script&#62;'));
    assert.ok(page.includes('<li>&#34;quoted&#34; &#38; &#60;b&#62;</li>'));
    assert.ok(page.includes('it&#39;s'));
    assert.ok(page.includes('<h1>&#60;report.title&#62;</h1>') && page.includes('&#60;report.columns.mailMs&#62;'));
    assert.ok(page.includes('<b>1</b> &#60;outcomes.failed&#62;') && page.includes('<tr class="bad">'));
  });

  it('as a page loads nothing from anywhere', () => {
    const page = reportHtml([ROW], '2026-01-02T03:04:05.000Z', say);
    assert.doesNotMatch(page, /https?:|src=|href=|@import|url\(/);
    assert.ok(page.includes("default-src 'none'") && page.includes('@media print'));
  });
});
