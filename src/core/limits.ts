/** Every time-out and size in one place, each with its reason. Times in milliseconds, sizes in bytes. */
export const LIMITS = {
  editor: {
    /** A dialog asks for its job's results every second; one that has not asked for so long is closed. */
    unwatchedMs: 30_000,
  },
  device: {
    /** Cheap cameras answer a settings page in 1–3 s under load; ten is generous without letting a dead one hold a job up. */
    connectMs: 8_000,
    requestMs: 15_000,
    /** The vendor's own page waits 30 s for the mail test; a camera that retries DNS takes longer. */
    testMs: 60_000,
    /** Hanwha's own page asks once a second whether the test that it started has ended. */
    testPollMs: 1_000,
    /** Axis starts an action of a rule in the background: the rule that tests stays this long, for a TLS login and one mail. */
    testActionMs: 5_000,
    /** A settings document is a few KiB; event capabilities of recorders reach some hundred. */
    bodyBytes: 2 * 1024 * 1024,
    /** Dahua recorders print the rules of all 64 channels, schedules included, in one table. */
    tableBytes: 8 * 1024 * 1024,
    /** Identifying and three attempts at a busy encoder; cheap cameras take two seconds for each picture. */
    snapshotMs: 30_000,
    snapshotBytes: 16 * 1024 * 1024,
    headerBytes: 64 * 1024,
    redirects: 3,
    /** Everything one camera may take in one job, tests included. */
    jobMs: 240_000,
    /** Lock-outs last 30 minutes on most brands; used when a device says "locked" without saying how long. */
    lockMs: 30 * 60_000,
    /** For giving a session back after the job, also when that was stopped: devices that count sessions have few of them. */
    logoutMs: 5_000,
    /** Putting the old settings back after the job's own time is up. */
    undoMs: 5_000,
    /** A busy device that refuses a good login twice in a row is left alone this long; a third refusal means that the password was changed. */
    busyRestMs: 60_000,
    /** Cameras close idle connections after 5 to 60 s; a short pause between two steps of a job keeps the connection. */
    idleSocketMs: 20_000,
    /** How long a client that nobody uses is kept with its nonce, and how many clients and devices are remembered at most. */
    idleClientMs: 5 * 60_000,
    clients: 4_096,
  },
  events: {
    /** One part of a stream. An alert is below 5 KiB; access controllers send lists of some 100 KiB. */
    textBytes: 256 * 1024,
    imageBytes: 8 * 1024 * 1024,
    /** Before the next attempt: the first pause, and the longest. Half as much again comes on top at random, so that no fleet reconnects at once. */
    retryMinMs: 2_000,
    retryMaxMs: 40_000,
    /** A connection that held this long counts as good: the pauses start from the shortest again. */
    stableMs: 10_000,
    /** Hikvision cameras send a heartbeat every 10 s, some recorders every 40 s. */
    hikvisionSilenceMs: 60_000,
    /** Dahua sends heartbeats as often as it is asked to; three that do not come are enough to know that nobody is there. */
    dahuaHeartbeatMs: 5_000,
    dahuaSilenceMs: 18_000,
    /** Dahua firmware without heartbeats is asked for a sign of life; it notes each request as a login. */
    dahuaProbeMs: 60_000,
    /** Reolink's states last some seconds; somebody at the door is not kept waiting. */
    reolinkPollMs: 1_000,
    /** Foscam keeps an alarm for five seconds at least. */
    foscamPollMs: 2_000,
    /** Hanwha devices say nothing for minutes while nothing changes: they are asked this often whether they are there. */
    hanwhaSilenceMs: 120_000,
    /** How long a pull point lives unless it is renewed: a killed process occupies one of the device's few places this long. */
    subscriptionMs: 120_000,
    /** How long a device may hold a pull back; ONVIF has it support a minute. Idle devices are heard this often. */
    pullMs: 30_000,
    /** What a device may need on top of it before it answers. */
    pullGraceMs: 15_000,
    /** Between two pulls of a device that does not hold them back. */
    pullPauseMs: 1_000,
    /** Between two pulls of a device that has something to tell all the time: a pull is work for a small processor. */
    pullRestMs: 250,
    /** An event that is older by the device's own clock was kept and sent again. */
    replayMs: 120_000,
    /** While a device has not sent its time yet, an event that seems old waits this long for it. */
    holdMs: 15_000,
    /** Stamps in whole seconds and a slow network look like this much of a wrong clock. */
    clockToleranceMs: 5_000,
    /** A picture may delay its event by this much. Snapshots of cameras take 0.3 to 2 s. */
    pictureMs: 3_000,
    /** A connection whose other end is gone without a word is noticed by TCP itself, beside the heartbeats. */
    keepAliveMs: 30_000,
  },
  fleet: {
    /** More at a time only make Node-RED itself the bottleneck. */
    concurrency: 64,
    /** A camera whose time is up may still log out and say what it has done. Longer than logoutMs. */
    graceMs: 6_000,
    /** A job that was killed is carried on within a day; whoever starts it later wants it from the beginning. */
    resumeMs: 24 * 3_600_000,
    /** Tests one after the other that fail by the account's fault: one alone may be a camera that mangles the password. */
    sameFailures: 2,
    /** Certificates become invalid long after this; mails sort wrongly from here on. */
    clockSkewMs: 5 * 60_000,
  },
  disk: {
    /** What a fleet reports goes to disk together: twenty writes a second at most, and the last camera of a run hardly waits. */
    groupMs: 50,
  },
  xml: {
    bytes: 2 * 1024 * 1024,
    depth: 64,
    elements: 50_000,
  },
  mail: {
    dnsMs: 5_000,
    connectMs: 10_000,
    /** nodemailer waits 30 s by default; a server that is going to greet does so within seconds. */
    greetingMs: 10_000,
    socketMs: 60_000,
    loginMs: 15_000,
    /** An access token is fetched while the mail server waits for the login. */
    tokenMs: 10_000,
    tokenBytes: 64 * 1024,
    /** Access tokens last an hour; one that ends within the next minute is not used any more. */
    tokenMarginMs: 60_000,
    tlsMs: 10_000,
    /** No greeting by then: look whether the port speaks TLS, while still waiting. Servers that check the caller take a second or two. */
    probeAfterMs: 3_000,
    /** A dialog waits for the whole verification; people leave after about twenty seconds. */
    verifyMs: 19_000,
    /** The largest mail over an uplink of half a megabit per second takes ten minutes. */
    sendMs: 15 * 60_000,
    /** RFC 5321 has servers wait five minutes: hang up before they do. */
    idleMs: 4 * 60_000,
    /** Enough to drain a burst of alerts; Gmail answers 454 to many logins in a row. */
    connections: 5,
    /** Servers cut off a connection that sends without end, and none publishes after how many: all that a personal account may send in a day. */
    messagesPerConnection: 500,
    /** How far the mailbox's clock may be behind ours before a mail counts as older than its test. */
    clockSkewMs: 120_000,
    /** How often the mailbox is searched while waiting for a mail, beside what IDLE tells at once. */
    arrivalPollMs: 2_000,
    arrivalDefaultMs: 60_000,
    /** A test mail that the editor asked for: the editor waits 120 s for the answer. */
    dialogTestMs: 110_000,
    /** When the device says that its test failed, the mail may still be on its way: look this long before believing it. */
    arrivalAfterFailureMs: 10_000,
    /** A device that cannot say whether it sent may have done so. */
    arrivalUnansweredMs: 30_000,
  },
  outbox: {
    /** At one mail a minute this is a week; more than that nobody reads. */
    mails: 10_000,
    /** SD cards of small hosts are the measure. */
    bytes: 512 * 1024 * 1024,
    /** Longer than the 24 hours that Gmail blocks an account after its daily limit. */
    ageMs: 48 * 3_600_000,
    /** Mails refused for good are kept to be looked at, the oldest make room. */
    failedMails: 500,
    failedBytes: 128 * 1024 * 1024,
    /** Mails written and synced together, so that one sync of the directory serves all of them. */
    commitMails: 64,
    /** Handed to the connections at the same time: more than there are connections, so that they see that a burst waits. */
    inFlight: 16,
    inFlightBytes: 64 * 1024 * 1024,
    /** What a mail whose upload has begun gets to finish when Node-RED stops: it waits 15 s for a node to close. */
    closeMs: 8_000,
    /** The lock of a live process is renewed this often, and taken over when it has not been for the second time. */
    lockBeatMs: 5_000,
    lockStaleMs: 30_000,
    /** The envelope in front of a stored mail; one with a thousand recipients needs 60 KiB. */
    envelopeBytes: 64 * 1024,
    /** Messages held in memory until their mails are sent; the others come out as after a restart. */
    keptMessages: 200,
    /** Lines of what was merged that a digest shows. */
    digestLines: 20,
  },
  relay: {
    /** A house has tens of cameras; recorders of a whole street may stand behind one address (NAT, Docker's bridge). */
    connections: 512,
    connectionsPerAddress: 256,
    /** From the connection to a login that is right, however many bytes trickle in. */
    loginMs: 30_000,
    /** For each command, and between two pieces of a mail: cameras stall for seconds while they encode the picture. */
    commandMs: 60_000,
    /** The largest mail over a weak Wi-Fi link of half a megabit per second. */
    mailMs: 10 * 60_000,
    handshakeMs: 15_000,
    /** A lone dot between bare line feeds ends a mail only when the camera then waits this long for the answer. */
    bareDotMs: 3_000,
    /** How long a refused or finished connection may take to leave. */
    lingerMs: 5_000,
    /** RFC 4954 allows 12288 for a login; cameras log in with a name and a password. */
    lineBytes: 4_096,
    /** A header of a camera is below 2 KiB; each relay on the way adds some hundred bytes. */
    headerBytes: 64 * 1024,
    /** RFC 5321 has servers take at least 100. */
    recipients: 100,
    badCommands: 10,
    /** Without a mail in between. */
    commands: 100,
    mailsPerConnection: 1_000,
    /** Wrong logins on one connection; different ones from one address until it is shut out, and for how long. */
    failedLogins: 3,
    guesses: 10,
    shutOutMs: 15 * 60_000,
    /** The answer to a wrong login waits this long times the number of guesses so far. */
    slowDownMs: 500,
    addresses: 4_096,
    /** Received fields: more is a loop. */
    hops: 20,
    /** Parts of a mail that are looked at, nested how deep, and how much text of it. What is beyond is relayed unread. */
    parts: 64,
    depth: 8,
    textBytes: 256 * 1024,
    /** Mails accepted and not yet handed to the flow. */
    waitingMails: 1_000,
    waitingBytes: 256 * 1024 * 1024,
    /** Mails held in memory on their way into the outbox. */
    forwardBytes: 12 * 1024 * 1024,
    writeBytes: 64 * 1024,
  },
  homeAssistant: {
    /** How long a sensor stays on for an event that has no end. */
    pulseMs: 5_000,
    /** Queues are looked at this long after a change, which seldom comes alone, and this often, because the last 24 hours move on. */
    queueChangedMs: 500,
    queueEveryMs: 60_000,
    /** EMQX and many hosted brokers refuse packets above 1 MiB; the topic and the header need some of it. */
    imageBytes: 1_000_000,
    /** Home Assistant keeps at most 255 characters in a state, and drops attributes above 16 KiB from its history. */
    textChars: 250,
    /** Sensors of one device, so that the discovery payload of a recorder with 64 channels stays below 64 KiB. */
    sensors: 128,
    /** Devices of one node; at some KiB each, their discovery still passes a small broker in one go. */
    devices: 2_000,
  },
  discovery: {
    /** Devices answer within half a second (ONVIF has them wait at random); sleepy Wi-Fi cameras need the later probes. */
    scanMs: 5_000,
    /** When the probes are sent, as parts of the whole time: UDP loses packets. */
    probesAt: [0, 0.15, 0.4],
    /** The longest answers seen are ONVIF's with many scopes, of some KiB. */
    datagramBytes: 16 * 1024,
    /** Answers that are read in one scan, and of one sender: a device repeats itself, a flood must not keep the process busy. */
    answers: 4_096,
    answersOfOne: 256,
    devices: 512,
    interfaces: 32,
    /** A model or a name as a device tells it. */
    textChars: 80,
  },
} as const;
