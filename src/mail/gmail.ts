/** Facts about Gmail. The browser half imports this file too, so it imports nothing. */
export const GMAIL = {
  smtpHost: 'smtp.gmail.com',
  tlsPort: 465,
  starttlsPort: 587,
  imapHost: 'imap.gmail.com',
  imapPort: 993,
  /** EHLO of smtp.gmail.com: SIZE 35882577, the encoded message with its headers. */
  messageBytes: 35_882_577,
  recipientsPerMessage: 100,
  /** Messages in rolling 24 hours: personal accounts, and Workspace (trial accounts have the smaller number). */
  personalDailyMessages: 500,
  workspaceDailyMessages: 2_000,
  links: {
    /** Often not linked from any menu of the account. */
    appPasswords: 'https://myaccount.google.com/apppasswords',
    twoStepVerification: 'https://myaccount.google.com/signinoptions/two-step-verification',
    appPasswordHelp: 'https://support.google.com/accounts/answer/185833',
    badCredentialsHelp: 'https://support.google.com/mail/?p=BadCredentials',
    securityCheckup: 'https://myaccount.google.com/security-checkup',
    sendingLimits: 'https://support.google.com/a/answer/166852',
    smtpErrors: 'https://support.google.com/a/answer/3726730',
  },
} as const;
