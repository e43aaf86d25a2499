import assert from 'node:assert/strict';
import { encodeFolderName, ImapSyntaxError, parseArguments, parseSet } from '../../src/sandbox/mail/imap-parser.ts';

describe('mail sandbox: grammar of IMAP', () => {
  it('reads atoms, strings, literals, lists and sections', () => {
    assert.deepEqual(parseArguments('a "b \\" c" (d {3}\r\n) ( BODY[X (Y Z)]<1.2>)'), [
      { kind: 'atom', text: 'a' },
      { kind: 'string', text: 'b " c' },
      {
        kind: 'list',
        items: [
          { kind: 'atom', text: 'd' },
          { kind: 'string', text: ') (' },
          { kind: 'atom', text: 'BODY[X (Y Z)]<1.2>' },
        ],
      },
    ]);
    assert.throws(() => parseArguments('"open'), ImapSyntaxError);
  });

  it('reads sets in either direction', () => {
    const within = parseSet('3:1,7,9:*', 12);
    assert.deepEqual([1, 2, 3, 4, 7, 8, 9, 12, 13].filter(within), [1, 2, 3, 7, 9, 12]);
    assert.throws(() => parseSet('1:', 3), ImapSyntaxError);
  });

  it('writes folder names in modified UTF-7', () => {
    assert.equal(encodeFolderName('[Gmail]/Entwürfe & 监控'), '[Gmail]/Entw&APw-rfe &- &dtFjpw-');
  });
});
