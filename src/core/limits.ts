/** Every time-out and size in one place, each with its reason. Times in milliseconds, sizes in bytes. */
export const LIMITS = {
  device: {
    /** Cheap cameras answer a settings page in 1–3 s under load; ten is generous without letting a dead one hold a job up. */
    connectMs: 8_000,
    requestMs: 15_000,
    /** The vendor's own page waits 30 s for the mail test; a camera that retries DNS takes longer. */
    testMs: 60_000,
    /** A settings document is a few KiB; event capabilities of recorders reach some hundred. */
    bodyBytes: 2 * 1024 * 1024,
    snapshotBytes: 16 * 1024 * 1024,
    headerBytes: 64 * 1024,
    redirects: 3,
    /** Everything one camera may take in one job, tests included. */
    jobMs: 240_000,
    /** Lock-outs last 30 minutes on most brands; used when a device says "locked" without saying how long. */
    lockMs: 30 * 60_000,
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
