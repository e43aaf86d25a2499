import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CameraEmailError } from '../../src/core/errors.ts';
import { child, childText, parseThoroughly, textDecoder, XmlDocument } from '../../src/http/xml.ts';
import { scanXml } from '../../src/http/xml-scan.ts';

const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
const utf8 = (bytes: string) => Buffer.from(bytes, 'latin1').toString('utf8');

describe('XmlDocument', () => {
  it('changes one element and no other byte', () => {
    const source = '\u00ef\u00bb\u00bf<?xml version="1.0"?>\r\n<a xmlns="x" v="1>2"><!-- c -->\r\n\t<b  q=\'1\'>old</b><c/>\u00ff</a>\n';
    const document = XmlDocument.parse(source);
    const b = child(document.root, 'b');
    assert.ok(b);
    document.setText(b, 'new');
    assert.equal(document.toString(), source.replace('old', 'new'));
  });

  it('writes nothing when the text is the same', () => {
    const source = '<a><b>x &amp; y</b></a>';
    const document = XmlDocument.parse(source);
    const b = child(document.root, 'b');
    assert.ok(b);
    document.setText(b, 'x & y');
    assert.equal(document.toString(), source);
  });

  it('reads prefixes, entities, bare ampersands and other charsets', () => {
    const document = XmlDocument.parse(latin1('<p:a><p:b>T&#252;r &lt;1&gt; & ä</p:b></p:a>'));
    assert.equal(childText(document.root, 'b'), 'Tür <1> & ä');
    const gb = Buffer.from('<?xml version="1.0" encoding="gb2312"?><a><b>', 'latin1').toString('latin1');
    assert.equal(childText(XmlDocument.parse(`${gb}\u00c3\u00c5</b></a>`).root, 'b'), '门');
  });

  it('inserts with the indentation of the neighbor, and opens empty elements', () => {
    const document = XmlDocument.parse('<a>\n  <b/>\n  <c></c>\n</a>');
    const [b, c] = document.root.children;
    assert.ok(b && c);
    document.append(b, '<x/>');
    document.insertAfter(c, '<d/>');
    assert.equal(document.toString(), '<a>\n  <b><x/></b>\n  <c></c>\n  <d/>\n</a>');
  });

  it('removes an element with its line', () => {
    const document = XmlDocument.parse('<a>\n <b/>\n <c/>\n</a>');
    const b = document.root.children[0];
    assert.ok(b);
    document.remove(b);
    assert.equal(document.toString(), '<a>\n <c/>\n</a>');
  });

  for (const [what, source] of [
    ['nothing', ''],
    ['text', 'hello'],
    ['an open element', '<a><b></a>'],
    ['two roots', '<a/><b/>'],
    ['an entity bomb', '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'],
    ['a deep nest', '<a>'.repeat(20_000) + '</a>'.repeat(20_000)],
    ['too many elements', `<a>${'<b/>'.repeat(60_000)}</a>`],
    ['too much text', `<a>${'x'.repeat(3_000_000)}</a>`],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => XmlDocument.parse(source),
        (error) => error instanceof CameraEmailError && error.code === 'unreadable',
      );
    });
  }

  it('throws only "unreadable", whatever the bytes', () => {
    const bytes = fc.string({ unit: 'binary-ascii', maxLength: 200 }).map((text) => `<a>${text}</a>`);
    fc.assert(
      fc.property(fc.oneof(bytes, fc.string({ unit: 'binary' })), (source) => {
        try {
          XmlDocument.parse(source);
        } catch (error) {
          assert.ok(error instanceof CameraEmailError, String(error));
        }
      }),
    );
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const document = XmlDocument.parse('<?xml version="1.0" encoding="UTF-8"?><a><b>old</b></a>');
        const b = child(document.root, 'b');
        assert.ok(b);
        document.setText(b, value);
        const clean = value.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
        assert.equal(child(XmlDocument.parse(document.toString()).root, 'b')?.text, clean);
        assert.ok(utf8(document.toString()).includes('</b></a>'));
      }),
    );
  });
});

describe('scanXml', () => {
  const decode = textDecoder('utf-8');
  const pieces = [
    ...[
      '<a>',
      '</a>',
      '<b x="1">',
      '</b>',
      '<b/>',
      '<p:c q=\'2\' r="a>b">',
      '</p:c>',
      '<d e>',
      '<f g="1" g="2"/>',
      '<toString/>',
      '</b >',
      '<b >',
    ],
    ...['\r\n', ' ', '\r', 'text', '&amp;', '&#228;', '&', '&x;', ']]>', '>', '"', 'é', '\u00c3\u00a9', '=', '<!-- c -->', '<!---->'],
    ...['<![CDATA[x]]>', '<?xml version="1.0"?>', '<?pi?>', '<h constructor="1"/>'],
  ];

  it('sees what fast-xml-parser sees, or leaves the document to it', () => {
    const piece = fc.constantFrom(...pieces);
    const { node } = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        piece,
        fc
          .tuple(
            fc.constantFrom('a', 'b:c', 'd_e'),
            fc.constantFrom('', ' x="1"', ' y=\'2\' z:w="3 4"'),
            fc.array(tie('node'), { maxLength: 4 }),
          )
          .map(([name, attributes, inner]) => `<${name}${attributes}>${inner.join('')}</${name}>`),
      ),
    }));
    let scanned = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          node,
          fc.array(piece, { maxLength: 8 }).map((some) => `<r>${some.join('')}</r>`),
        ),
        (source) => {
          const root = scanXml(source, 0, decode);
          if (root === undefined) return;
          scanned += 1;
          assert.deepEqual(root, parseThoroughly(source, 0, decode));
        },
      ),
      { numRuns: 2_000 },
    );
    assert.ok(scanned > 200);
  });
});
