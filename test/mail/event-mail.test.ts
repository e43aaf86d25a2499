import assert from 'node:assert/strict';
import { eventMail, isCameraEvent } from '../../src/mail/event-mail.ts';
import { MAIL_SERVICES } from '../../src/mail/services.ts';
import { say } from './outbox/fixture.ts';

const EVENT = {
  type: 'person',
  state: 'started',
  channel: 2,
  at: '2026-11-22T13:03:05Z',
  camera: { name: 'Door <b>' },
  region: 'Gate',
  rule: 1,
};

describe('mail of a camera event', () => {
  it('tells what, where and when, in the zone of the user', () => {
    const { subject, text } = eventMail(EVENT, [], say, { language: 'en-GB', timeZone: 'Europe/Berlin' });
    assert.equal(subject, 'Person: Door <b>');
    assert.equal(text, 'Event: Person\nCamera: Door <b>\nChannel: 2\nPlace: Gate, 1\nTime: 22 Nov 2026, 14:03:05 CET');
  });

  it('shows pictures inside, and lets no text of the camera become HTML', () => {
    const picture = { filename: 'a.jpg', content: Buffer.from('x'), contentType: 'image/jpeg' };
    const { html, attachments } = eventMail({ ...EVENT, type: '<script>' }, [picture, { filename: 'clip.mp4', content: 'y' }], say);
    assert.deepEqual(
      attachments.map(({ cid, contentDisposition }) => [cid, contentDisposition]),
      [
        ['picture-1@camera-email', 'inline'],
        [undefined, undefined],
      ],
    );
    assert.ok(html.includes('src="cid:picture-1@camera-email"') && html.includes('Door &lt;b&gt;') && !html.includes('<script>'));
  });

  it('knows an event from other payloads', () => {
    assert.ok(isCameraEvent(EVENT));
    for (const other of [undefined, 'x', {}, { ...EVENT, at: 'soon' }, { ...EVENT, camera: 'Door' }]) assert.ok(!isCameraEvent(other));
  });
});

describe('mail services', () => {
  it('are told apart, use encryption, and say where passwords do not work', () => {
    assert.equal(new Set(MAIL_SERVICES.map(({ id }) => id)).size, MAIL_SERVICES.length);
    assert.ok(MAIL_SERVICES.every(({ smtp }) => smtp.security !== 'none'));
    assert.ok(MAIL_SERVICES.every(({ password, notes }) => (password === 'none-works') === notes.includes('no-passwords')));
  });
});
