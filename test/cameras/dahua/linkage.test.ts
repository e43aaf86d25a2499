import assert from 'node:assert/strict';
import { signal } from '../fixture.ts';
import { dahuaStarter, differences, gmail, planFor } from './fixture.ts';

describe('dahua linkage', () => {
  const start = dahuaStarter();
  const keep = { recipients: undefined, writePassword: false };

  it('links exactly the wanted events, with their pictures, and leaves the rest of the tables alone', async () => {
    const { camera, simulator } = await start();
    const before = simulator.documents();
    const { plan, reading } = await planFor(camera, gmail({ events: ['motion', 'alarm-input', 'storage'] }));
    await camera.apply(plan, signal());
    assert.deepEqual(
      differences(before, simulator.documents()).filter((line) => !line.startsWith('Email.')),
      [
        'MotionDetect[0].EventHandler.MailEnable: false -> true',
        'MotionDetect[0].EventHandler.SnapshotEnable: false -> true',
        'Alarm[0].EventHandler.MailEnable: false -> true',
        'VideoAnalyseRule[0][0].EventHandler.MailEnable: true -> false',
        'StorageNotExist.EventHandler.MailEnable: false -> true',
        'StorageNotExist.EventHandler.SnapshotEnable: false -> true',
        'StorageFailure.EventHandler.MailEnable: false -> true',
        'StorageFailure.EventHandler.SnapshotEnable: false -> true',
      ],
    );
    const again = await planFor(camera, gmail({ events: ['storage', 'motion', 'alarm-input'], writePassword: false }));
    assert.deepEqual([again.plan.changes, again.plan.writes], [[], []]);
    await camera.restore(reading, undefined, signal());
    assert.equal(simulator.documents(), before);
  });

  it('writes rules first and motion detection last, because some firmware resets it in between', async () => {
    const { camera, simulator } = await start({ kind: 'amcrest', masksPassword: true, rawBracketsOnly: true, resetsMotion: true });
    const { plan, reading } = await planFor(camera, gmail({ ...keep, events: ['motion', 'intrusion'] }));
    assert.deepEqual(
      plan.writes.slice(1).map(({ path }) => path),
      [
        '/cgi-bin/configManager.cgi?action=setConfig&VideoAnalyseRule[0][0].EventHandler.MailEnable=true' +
          '&VideoAnalyseRule[0][0].EventHandler.SnapshotEnable=true',
        '/cgi-bin/configManager.cgi?action=setConfig&SmartMotionDetect[0].Enable=true&SmartMotionDetect[0].ObjectTypes.Human=true' +
          '&SmartMotionDetect[0].ObjectTypes.Vehicle=false&SmartMotionDetect[0].Sensitivity=High',
        '/cgi-bin/configManager.cgi?action=setConfig&MotionDetect[0].Enable=true&MotionDetect[0].EventHandler.MailEnable=true' +
          '&MotionDetect[0].EventHandler.SnapshotEnable=true',
      ],
    );
    await camera.apply(plan, signal());
    assert.equal(simulator.config.get('MotionDetect[0].Enable'), 'true');
    assert.equal(simulator.config.get('SmartMotionDetect[0].Enable'), 'true');
    await camera.restore(reading, undefined, signal());
    const restored = await camera.read({ events: true }, signal());
    assert.deepEqual(restored.settings, reading.settings);
    assert.equal(simulator.config.get('MotionDetect[0].Enable'), 'true');
  });

  it('sends DetectVersion along where the camera has it', async () => {
    const { camera } = await start();
    const { plan } = await planFor(camera, gmail({ events: ['intrusion'] }));
    const last = plan.writes.at(-1)?.path ?? '';
    assert.match(last, /&MotionDetect\[0\]\.DetectVersion=V3\.0&MotionDetect\[0\]\.Enable=true&/);
    await camera.apply(plan, signal());
  });

  it('touches only its own channel of a recorder', async () => {
    const { camera, simulator } = await start({ kind: 'recorder', channel: 2, masksPassword: true });
    const before = simulator.documents();
    const { plan, reading } = await planFor(camera, gmail({ events: ['video-loss', 'storage'] }));
    assert.deepEqual(reading.settings.events, ['motion', 'storage']);
    await camera.apply(plan, signal());
    assert.deepEqual(
      differences(before, simulator.documents()).filter((line) => !line.startsWith('Email.')),
      ['MotionDetect[1].EventHandler.MailEnable: true -> false', 'LossDetect[1].EventHandler.MailEnable: false -> true'],
    );
  });

  it('keeps a choice among several rules of one type', async () => {
    const { camera, simulator } = await start();
    for (const [key, value] of [...simulator.config]) {
      if (key.startsWith('VideoAnalyseRule[0][0]')) simulator.config.set(key.replace('[0][0]', '[0][2]'), value);
    }
    simulator.config.set('VideoAnalyseRule[0][2].EventHandler.MailEnable', 'false');
    await camera.apply((await planFor(camera, gmail({ events: ['line-crossing', 'motion'] }))).plan, signal());
    assert.equal(simulator.config.get('VideoAnalyseRule[0][0].EventHandler.MailEnable'), 'true');
    assert.equal(simulator.config.get('VideoAnalyseRule[0][2].EventHandler.MailEnable'), 'false');
  });

  it('says beforehand what will keep the camera from mailing', async () => {
    const { camera, simulator } = await start();
    simulator.config.set('DisableLinkage.Enable', 'true');
    const { plan } = await planFor(camera, gmail({ events: ['tamper', 'audio'] }));
    assert.deepEqual(plan.warnings, [
      { code: 'plain-http' },
      { code: 'detection-off', params: { value: 'tamper' } },
      { code: 'schedule-empty', params: { value: 'audio' } },
      { code: 'disarmed' },
    ]);
    const none = await planFor(camera, gmail({ events: [] }));
    assert.ok(none.plan.warnings.some(({ code }) => code === 'not-linked'));
  });

  it('names the events that this device can link', async () => {
    const { camera } = await start();
    await camera.read({ events: true }, signal());
    assert.deepEqual((await camera.capabilities(signal())).events, [
      'access',
      'alarm-input',
      'audio',
      'intrusion',
      'line-crossing',
      'motion',
      'network',
      'storage',
      'tamper',
    ]);
  });

  it('says which of them are not one channel’s alone', async () => {
    const sticky = async (kind: 'camera' | 'recorder') => (await (await start({ kind })).camera.capabilities(signal())).stickyEvents;
    assert.deepEqual(await sticky('camera'), ['storage', 'network', 'access']);
    assert.deepEqual(await sticky('recorder'), ['storage', 'network', 'access', 'alarm-input']);
  });
});
