import assert from 'node:assert/strict';
import { Fleet, told } from './fixture.ts';

describe('test mails of a fleet', () => {
  let fleet: Fleet;

  const start = async (count: number) => {
    fleet = await Fleet.start(count);
  };

  afterEach(() => fleet.close());

  it('test mails under different names are on their way together, over one login, and each camera finds its own', async () => {
    await start(4);
    const held: (() => void)[] = [];
    for (const number of [1, 2, 3, 4]) {
      const { server } = fleet.device(number);
      server.intercept = (request, response) => {
        if (!request.url?.includes('/mailing/test') || request.headers.authorization === undefined) return false;
        // No camera answers before all have been asked to send.
        const end = response.end.bind(response) as (body?: unknown) => void;
        response.end = ((body?: unknown) => {
          held.push(() => end(body));
          if (held.length === 4) for (const release of held) release();
          return response;
        }) as typeof response.end;
        return false;
      };
    }
    const { outcomes } = await fleet.run({ test: 'arrival' });
    assert.deepEqual(told(outcomes).sort(), ['Cam 1 applied', 'Cam 2 applied', 'Cam 3 applied', 'Cam 4 applied']);
    const { mail, account } = fleet.sandbox;
    const { mails } = mail.mailbox(account.email).folder('INBOX');
    for (const { name, test } of outcomes) {
      assert.equal(test?.verdict, 'arrived');
      const ours = mails.filter(({ raw }) => raw.includes(`"${name}"`) || raw.includes(`From: ${name} <`));
      assert.equal(ours.length, 1);
      assert.ok(ours[0]?.raw.includes(test?.arrival?.messageId ?? '-'));
    }
    assert.equal(mail.imapLog.flatMap(({ logins }) => logins).length, 1);
  });

  it('test mails that look alike go one after the other', async () => {
    await start(3);
    let most = 0;
    const arrived = () => fleet.sandbox.mail.mailbox(fleet.sandbox.account.email).folder('INBOX').mails.length;
    let asked = 0;
    for (const number of [1, 2, 3]) {
      fleet.device(number).server.intercept = (request) => {
        if (request.url?.includes('/mailing/test') && request.method === 'POST') {
          most = Math.max(most, asked - arrived());
          asked += 1;
        }
        return false;
      };
    }
    const wishes = { recipients: '', senderName: 'Cameras', attachment: 'keep', minInterval: undefined, events: [] } as const;
    const { outcomes } = await fleet.run({ test: 'arrival', wishes });
    assert.ok(outcomes.every(({ test }) => test?.verdict === 'arrived'));
    assert.equal(new Set(outcomes.map(({ test }) => test?.arrival?.messageId)).size, 3);
    assert.deepEqual([asked, most], [3, 0]);
  });
});
