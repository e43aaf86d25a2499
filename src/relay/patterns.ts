import type { EventType } from '../events/vocabulary.ts';

/** How one make words its alert mails: what the lines of the body begin with. */
export interface MailDialect {
  vendor: string;
  /** Looked for in X-Mailer and in the body. */
  signs: readonly RegExp[];
  event: RegExp;
  channel: RegExp;
  device: RegExp;
  /** The channel's or the place's name, which a recorder knows cameras by. */
  place?: RegExp;
  rule?: RegExp;
  address?: RegExp;
}

/** Each expression has the value as its first group. The first dialect that fits wins. */
export const DIALECTS: readonly MailDialect[] = [
  {
    vendor: 'hikvision',
    signs: [/HIKMailer/i, /^EVENT TYPE:.*\n(?:.*\n)?EVENT TIME:/im],
    event: /^EVENT TYPE:[ \t]*(.+)$/im,
    // Recorders count analog channels as A1 and network cameras as D1.
    channel: /^CHANNEL NUMBER:[ \t]*[A-Z]{0,3}0*(\d{1,3})/im,
    device: /^(?:IPC|DVR|NVR|DEVICE|CAMERA) NAME:[ \t]*(.+)$/im,
    place: /^CHANNEL NAME:[ \t]*(.+)$/im,
  },
  {
    vendor: 'dahua',
    signs: [/^Alarm Event:.*\n(?:.*\n)*?Alarm (?:Input Channel|Start Time|Device Name)/im],
    event: /^Alarm Event:[ \t]*(.+)$/im,
    channel: /^Alarm Input Channel(?: No\.?)?:[ \t]*0*(\d{1,3})/im,
    device: /^Alarm Device Name:[ \t]*(.+)$/im,
    rule: /^Alarm Name:[ \t]*(.+)$/im,
    address: /^IP Address:[ \t]*([0-9a-f.:]+)/im,
  },
  {
    vendor: '',
    signs: [],
    event: /^(?:alarm|event|alert|trigger)(?:[ _-]?(?:type|event|name))?[ \t]*[:=][ \t]*(.+)$/im,
    channel: /\b(?:channel|camera|cam|ch)(?:[ _-]?(?:no\.?|number|id))?[ \t]*[:=#]?[ \t]*[A-Z]?0*(\d{1,3})\b/i,
    device: /^(?:device|camera|cam|dvr|nvr|ipc)(?:[ _-]?name)?[ \t]*[:=][ \t]*(.+)$/im,
    address: /^(?:device |camera )?ip(?:[ _-]?addr(?:ess)?)?[ \t]*[:=][ \t]*([0-9a-f.:]+)/im,
  },
];

/** Words of the event, the more special ones first: "intrusion detection" is not motion, though the mail says detection. */
export const EVENT_WORDS: readonly (readonly [EventType, RegExp])[] = [
  ['line-crossing', /line.?cross|cross(?:ing|ed)?.?(?:the.?)?line|tripwire|virtual line/i],
  ['region-entrance', /region.?entr|enter(?:ing|ed|s)?.?(?:the.?)?(?:region|area|zone)|area.?entr/i],
  ['region-exit', /region.?exit|(?:exit|leav)(?:ing|ed|es|s)?.?(?:the.?)?(?:region|area|zone)/i],
  ['loitering', /loiter|wander/i],
  ['intrusion', /intru[sd]|field.?detect|cross.?region|perimeter|trespass/i],
  ['object-left', /unattended|abandon|object.?left|left.?(?:behind|object)|stationary/i],
  ['object-removed', /object.?remov|missing.?object|object.?missing|taken.?away|asset/i],
  ['face', /\bfac(?:e|ial)\b|face.?detect/i],
  ['package', /\bpackages?\b|\bparcels?\b/i],
  ['person', /\bpersons?\b|\bpeople\b|\bhumans?\b|\bpedestrians?\b|human.?(?:shape|body|detect)|人形/i],
  ['vehicle', /\bvehicles?\b|\bcars?\b|\btrucks?\b|license.?plate/i],
  ['animal', /\banimals?\b|\bpets?\b|\bdogs?\b|\bcats?\b/i],
  ['doorbell', /door.?bell|visitor|\bring(?:ing|s)?\b|call.?button/i],
  ['video-loss', /video.?(?:signal.?)?loss|loss.?of.?video|video.?lost|no.?signal/i],
  ['scene-change', /scene.?chang|defocus|video.?abnormal/i],
  ['tamper', /tamper|blind|mask(?:ing|ed)?\b|cover(?:ed|ing)|shelter|occlu|shield/i],
  ['audio', /audio|sound|scream|noise|\bcry(?:ing)?\b/i],
  ['storage', /\bhdd\b|hard.?(?:disk|drive)|storage|sd.?card|disk.?(?:full|error|fail)|no.?disk/i],
  ['access', /illegal.?(?:login|access)|(?:login|access).?(?:failure|denied|refused)/i],
  ['network', /network|ip.?(?:address.?)?conflict|disconnect|\boffline\b/i],
  ['alarm-input', /alarm.?in(?:put)?\b(?!.?channel)|external.?alarm|local.?alarm|\bi\/?o\b|dry.?contact/i],
  ['motion', /motion|movement|\bvmd\b|\bpir\b|bewegung|movimiento|mouvement|movimento|移动|运动/i],
];

/** What set the event off, where the event itself is a line or a region. */
export const TARGET_WORDS: readonly (readonly [string, RegExp])[] = [
  ['person', /\bhumans?\b|\bpersons?\b|\bpeople\b|\bpedestrians?\b/i],
  ['vehicle', /\bvehicles?\b|\bcars?\b|\btrucks?\b/i],
  ['animal', /\banimals?\b|\bpets?\b/i],
];

export const ENDED = /\b(?:end(?:s|ed)?|stop(?:s|ped)?|clear(?:s|ed)?|restored?|recovered)\b/i;
