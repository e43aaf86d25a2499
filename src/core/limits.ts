/** Every time-out and size in one place, each with its reason. Times in milliseconds, sizes in bytes. */
export const LIMITS = {
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
    snapshotBytes: 16 * 1024 * 1024,
    headerBytes: 64 * 1024,
    redirects: 3,
    /** Everything one camera may take in one job, tests included. */
    jobMs: 240_000,
    /** Lock-outs last 30 minutes on most brands; used when a device says "locked" without saying how long. */
    lockMs: 30 * 60_000,
    /** For giving a session back after the job, also when that was stopped: devices that count sessions have few of them. */
    logoutMs: 5_000,
    /** A busy device that refuses a good login twice in a row is left alone this long; a third refusal means that the password was changed. */
    busyRestMs: 60_000,
    /** Cameras close idle connections after 5 to 60 s; a short pause between two steps of a job keeps the connection. */
    idleSocketMs: 20_000,
    /** How long a client that nobody uses is kept with its nonce, and how many clients and devices are remembered at most. */
    idleClientMs: 5 * 60_000,
    clients: 4_096,
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
    /** Servers cut off a connection that sends without end, and none publishes after how many. */
    messagesPerConnection: 100,
    /** How far the mailbox's clock may be behind ours before a mail counts as older than its test. */
    clockSkewMs: 120_000,
    /** EHLO of smtp.gmail.com: SIZE 35882577. */
    gmailMessageBytes: 35_882_577,
    gmailRecipients: 100,
    /** How often the mailbox is searched while waiting for a mail, beside what IDLE tells at once. */
    arrivalPollMs: 2_000,
    arrivalDefaultMs: 60_000,
    /** When the device says that its test failed, the mail may still be on its way: look this long before believing it. */
    arrivalAfterFailureMs: 10_000,
  },
} as const;
