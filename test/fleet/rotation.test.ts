import assert from 'node:assert/strict';
import { accountOf, Fleet, told } from './fixture.ts';

const NEW_PASSWORD = 'ponmlkjihgfedcba';

describe('the replacement of an app password', () => {
  let fleet: Fleet;

  const start = async (count: number) => {
    fleet = await Fleet.start(count);
  };

  afterEach(() => fleet.close());

  /** The mail server takes the new app password from here on. */
  const rotated = () => {
    fleet.sandbox.account.appPassword = NEW_PASSWORD;
    return accountOf(fleet.setup);
  };

  it('a changed app password goes into every camera, and then the old one may be revoked', async () => {
    await start(3);
    await fleet.run();
    fleet.takeWrites();
    const { outcomes, rotation } = await fleet.run({ account: rotated(), test: 'camera' });
    assert.deepEqual(told(outcomes).sort(), ['Cam 1 applied', 'Cam 2 applied', 'Cam 3 applied']);
    assert.deepEqual(rotation, { done: 3, pending: [], oldPasswordMayBeRevoked: true, advice: 'revoke' });
    assert.deepEqual(
      fleet.sandbox.cameras.map(({ device }) => device.mailPassword),
      [NEW_PASSWORD, NEW_PASSWORD, NEW_PASSWORD],
    );
  });

  it('a camera that could not be reached keeps the old app password alive', async () => {
    await start(3);
    await fleet.run();
    await fleet.device(2).close();
    const { rotation } = await fleet.run({ account: rotated() });
    assert.deepEqual(rotation, { done: 2, pending: ['Cam 2'], oldPasswordMayBeRevoked: false, advice: 'wait' });
  });

  it('a camera that broke off in the middle of a rotation is waited for, and its next run says that all is done', async () => {
    await start(3);
    await fleet.run();
    const account = rotated();
    fleet.takeWrites();
    fleet.device(2).server.intercept = (request) => {
      if (request.method === 'PUT') request.socket.destroy();
      return request.method === 'PUT';
    };
    const broken = await fleet.run({ account, test: 'camera' });
    assert.deepEqual(broken.rotation, { done: 2, pending: ['Cam 2'], oldPasswordMayBeRevoked: false, advice: 'wait' });
    fleet.device(2).server.intercept = undefined;
    fleet.takeWrites();
    const { outcomes, rotation } = await fleet.run({ account, test: 'camera' });
    assert.deepEqual(told(outcomes).sort(), ['Cam 1 unchanged', 'Cam 2 applied', 'Cam 3 unchanged']);
    assert.deepEqual(rotation, { done: 3, pending: [], oldPasswordMayBeRevoked: true, advice: 'revoke' });
    assert.deepEqual(fleet.jobFiles(), []);
  });

  it('a rotation that nobody tested asks for a test before the old app password is revoked', async () => {
    await start(2);
    const { rotation } = await fleet.run({ rotate: true });
    assert.deepEqual(rotation, { done: 2, pending: [], oldPasswordMayBeRevoked: true, advice: 'prove' });
  });
});
