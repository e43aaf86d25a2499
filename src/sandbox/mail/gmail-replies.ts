/** The words of smtp.gmail.com and imap.gmail.com, so that a test can provoke each. Multi-line replies are joined by CRLF. */

const TAIL = 'a640c23a62f3a-b7353e8e2c1sm1234567a12.34 - gsmtp';

/** `code-status text` for each line but the last, which is `code status text`. */
function reply(code: number, status: string, ...texts: string[]): string {
  return texts.map((text, index) => `${code}${index < texts.length - 1 ? '-' : ' '}${status} ${text}`).join('\r\n');
}

const help = (topic: string): string => ` https://support.google.com/mail/?p=${topic} ${TAIL}`;

export const GMAIL_REPLIES = {
  greeting: `220 smtp.gmail.com ESMTP ${TAIL}`,
  senderOk: reply(250, '2.1.0', `OK ${TAIL}`),
  recipientOk: reply(250, '2.1.5', `OK ${TAIL}`),
  goAhead: `354 Go ahead ${TAIL}`,
  loginAccepted: '235 2.7.0 Accepted',
  readyForTls: '220 2.0.0 Ready to start TLS',
  flushed: reply(250, '2.1.5', `Flushed ${TAIL}`),
  noop: reply(250, '2.0.0', `OK ${TAIL}`),
  verify: reply(252, '2.1.5', `Send some mail, I'll try my best ${TAIL}`),
  help: reply(214, '2.0.0', `https://www.rfc-editor.org/rfc/rfc5321 ${TAIL}`),
  goodbye: reply(221, '2.0.0', `closing connection ${TAIL}`),

  // logins
  badCredentials: reply(535, '5.7.8', 'Username and Password not accepted. For more information, go to', help('BadCredentials')),
  badCredentialsOld: reply(
    535,
    '5.7.1',
    'Username and Password not accepted. Learn more at',
    ` https://support.google.com/mail/?p=BadCredentials ${TAIL}`,
  ),
  appPasswordRequired: reply(
    534,
    '5.7.9',
    'Application-specific password required. For more information, go to',
    help('InvalidSecondFactor'),
  ),
  webLogin: reply(
    534,
    '5.7.9',
    'Please log in with your web browser and then try again. For more',
    'information, go to',
    help('WebLoginRequired'),
  ),
  webLoginOld: reply(
    534,
    '5.7.14',
    '<https://accounts.google.com/signin/continue?sarp=1&scc=1&plt=AKgnsbuX>',
    'Please log in via your web browser and then try again.',
    'Learn more at',
    ` https://support.google.com/mail/answer/78754 ${TAIL}`,
  ),
  tooManyLogins: reply(
    454,
    '4.7.0',
    'Too many login attempts, please try again later. For more information, go to',
    ` https://support.google.com/mail/answer/7126229 ${TAIL}`,
  ),
  loginTemporary: reply(454, '4.7.0', `Cannot authenticate due to temporary system problem. Try again later. ${TAIL}`),
  cannotDecode: reply(501, '5.5.2', `Cannot Decode response ${TAIL}`),
  unknownAuthentication: reply(504, '5.7.4', `Unrecognized Authentication Type ${TAIL}`),
  authenticationRequired: reply(530, '5.7.0', 'Authentication Required. For more information, go to', help('WantAuthError')),
  authenticationRequiredOld: reply(530, '5.5.1', 'Authentication Required. Learn more at', help('WantAuthError')),
  startTlsFirst: reply(530, '5.7.0', 'Must issue a STARTTLS command first. For more information, go to', help('WantTLSError')),

  // trouble at Google or too much from here
  tryAgainLater: reply(421, '4.7.0', 'Try again later, closing connection. (EHLO)', ` https://support.google.com/a/answer/3221692 ${TAIL}`),
  temporaryProblem: reply(421, '4.3.0', `Temporary System Problem.  Try again later (10). ${TAIL}`),
  temporaryProblem451: reply(451, '4.3.0', `Temporary server error. Please try again later. ${TAIL}`),
  serverBusy: reply(421, '4.4.5', `Server busy, try again later. ${TAIL}`),
  unsolicitedRate: reply(
    421,
    '4.7.28',
    'Gmail has detected an unusual rate of unsolicited mail. To protect',
    'our users from spam, mail has been temporarily rate limited. For more',
    'information, go to',
    help('UnsolicitedRateLimitError'),
  ),
  unsolicited: reply(
    550,
    '5.7.1',
    'Gmail has detected that this message is likely unsolicited mail. To',
    'reduce the amount of spam sent to Gmail, this message has been blocked.',
    'For more information, go to',
    help('UnsolicitedMessageError'),
  ),
  lowReputation: reply(
    550,
    '5.7.1',
    'Gmail has detected that this message is likely suspicious due to the very',
    'low reputation of the sending domain. To best protect our users from spam,',
    'the message has been blocked. For more information, go to',
    ` https://support.google.com/mail/answer/188131 ${TAIL}`,
  ),
  dailyLimit: reply(
    550,
    '5.4.5',
    'Daily user sending limit exceeded. For more information on Gmail',
    'sending limits go to',
    ` https://support.google.com/a/answer/166852 ${TAIL}`,
  ),
  dailyQuota: reply(550, '5.4.5', `Daily sending quota exceeded. https://support.google.com/a/answer/166852 ${TAIL}`),
  dailyRelayLimit: reply(
    550,
    '5.7.1',
    'Daily SMTP relay limit exceeded for customer. For more information on SMTP',
    'relay sending limits please contact your administrator or visit',
    ` https://support.google.com/a/answer/6140680 ${TAIL}`,
  ),

  // senders and recipients
  receivingTooQuickly: reply(
    450,
    '4.2.1',
    'The user you are trying to contact is receiving mail too quickly. Please',
    'resend your message at a later time. If the user is able to receive mail',
    'at that time, your message will be delivered. For more information, go to',
    help('ReceivingRate'),
  ),
  receivingRate: reply(
    450,
    '4.2.1',
    'The user you are trying to contact is receiving mail at a rate that prevents',
    'additional messages from being delivered. For more information, go to',
    help('ReceivingRate'),
  ),
  overQuota: reply(
    452,
    '4.2.2',
    'The email account that you tried to reach is over quota. Please direct the',
    'recipient to',
    help('OverQuotaTemp'),
  ),
  overQuotaPermanent: reply(
    552,
    '5.2.2',
    'The email account that you tried to reach is over quota. Please direct the',
    'recipient to',
    help('OverQuotaPerm'),
  ),
  tooManyRecipients: reply(
    452,
    '4.5.3',
    'Your message has too many recipients. For more information regarding',
    "Google's sending limits, go to",
    help('TooManyRecipients'),
  ),
  noSuchUser: reply(
    550,
    '5.1.1',
    'The email account that you tried to reach does not exist. Please try',
    "double-checking the recipient's email address for typos or unnecessary",
    'spaces. For more information, go to',
    help('NoSuchUser'),
  ),
  disabledUser: reply(
    550,
    '5.2.1',
    'The email account that you tried to reach is disabled. For more information, go to',
    help('DisabledUser'),
  ),
  noSuchDomain: reply(
    553,
    '5.1.2',
    "We weren't able to find the recipient domain. Please check for any spelling",
    "errors, and make sure you didn't enter any spaces, periods, or other",
    `punctuation after the recipient's email address. ${TAIL}`,
  ),
  senderAddress: reply(
    553,
    '5.1.7',
    'The sender address is not a valid RFC 5321 address. For more information, go to',
    ` https://support.google.com/a/answer/3221692 ${TAIL}`,
  ),
  recipientAddress: reply(
    553,
    '5.1.3',
    'The recipient address is not a valid RFC 5321 address. For more information, go to',
    ` https://support.google.com/a/answer/3221692 ${TAIL}`,
  ),
  relayDenied: reply(
    550,
    '5.7.0',
    'Mail relay denied [192.0.2.1]. Invalid credentials for relay for one of the',
    'domains in: example.org (as obtained from HELO and MAIL FROM).',
    help('MailRelayDenied'),
  ),
  relayCredentials: reply(
    550,
    '5.7.1',
    'Invalid credentials for relay [192.0.2.1]. The IP address you have registered',
    "in your Workspace SMTP Relay service doesn't match the domain of the account",
    'this email is being sent from.',
    help('InvalidRelayCredentials'),
  ),
  sendingDenied: reply(550, '5.7.0', `Mail Sending denied. ${TAIL}`),

  // content
  tooLarge: reply(
    552,
    '5.2.3',
    "Your message exceeded Google's message size limits. To view our message size",
    'guidelines, go to',
    help('MaxSizeError'),
  ),
  tooLargeElsewhere: '552 5.3.4 Message file too big',
  blockedContent: reply(
    552,
    '5.7.0',
    'This message was blocked because its content presents a potential',
    'security issue. To review our message content and attachment content',
    'guidelines, go to',
    help('BlockedMessage'),
  ),
  illegalAttachment: reply(
    552,
    '5.7.0',
    'Our system detected an illegal attachment on your message. Please visit',
    ' https://support.google.com/mail/?p=IllegalAttachment to review our attachment',
    `guidelines. ${TAIL}`,
  ),
  missingMessageId: reply(
    550,
    '5.7.1',
    'Messages missing a valid messageId header are not accepted. For more',
    'information, go to',
    ` https://support.google.com/mail/?p=RfcMessageNonCompliant ${TAIL}`,
  ),
  malformed: reply(554, '5.6.0', `Mail message is malformed. Not accepted. ${TAIL}`),
  tooManyHops: reply(554, '5.6.0', `Message exceeded 50 hops, this may indicate a mail loop. ${TAIL}`),
  noReverseName: reply(
    550,
    '5.7.25',
    'The IP address sending this message does not have a PTR record setup, or the',
    'corresponding forward DNS entry does not point to the sending IP.',
    ` https://support.google.com/mail/answer/81126#ip-practices ${TAIL}`,
  ),
  unauthenticated: reply(
    550,
    '5.7.26',
    'Your email has been blocked because the sender is unauthenticated. Gmail',
    'requires all senders to authenticate with either SPF or DKIM.',
    ` https://support.google.com/mail/answer/81126#authentication ${TAIL}`,
  ),

  // the protocol
  helloEmpty: reply(501, '5.5.4', 'Empty HELO/EHLO argument not allowed, closing connection.', help('helo')),
  helloInvalid: reply(501, '5.5.4', 'HELO/EHLO argument is invalid, closing connection.', help('helo')),
  helloFirst: reply(503, '5.5.1', `EHLO/HELO first. ${TAIL}`),
  mailFirst: reply(503, '5.5.1', `MAIL first. ${TAIL}`),
  recipientFirst: reply(503, '5.5.1', `RCPT first. ${TAIL}`),
  badSequence: reply(503, '5.5.1', `Bad sequence of commands. ${TAIL}`),
  unknownCommand: reply(502, '5.5.1', `Unrecognized command. ${TAIL}`),
  syntax: reply(555, '5.5.2', `Syntax error. ${TAIL}`),
  lineTooLong: reply(500, '5.5.2', `Line too long. ${TAIL}`),
} as const;

export type GmailReply = keyof typeof GMAIL_REPLIES;

/** What follows the tag. Lines before the last are sent as they stand. */
export const GMAIL_IMAP_REPLIES = {
  badCredentials: 'NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)',
  appPasswordRequired: 'NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)',
  webLogin: [
    '* NO [WEBALERT https://accounts.google.com/signin/continue?sarp=1&scc=1&plt=AKgnsbuX] Web login required.',
    'NO [ALERT] Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)',
  ].join('\r\n'),
  tooManyConnections: 'NO [ALERT] Too many simultaneous connections. (Failure)',
  systemError: 'NO [UNAVAILABLE] System Error (Failure)',
  imapDisabled:
    'NO [ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page and enable your account for IMAP access. (Failure)',
} as const;

/** The lines of the EHLO answer. Gmail offers AUTH only once the connection is encrypted. */
export function ehloLines(client: string, encrypted: boolean, maxMessageBytes: number): string[] {
  return [
    `smtp.gmail.com at your service, [${client}]`,
    `SIZE ${maxMessageBytes}`,
    '8BITMIME',
    encrypted ? 'AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH' : 'STARTTLS',
    'ENHANCEDSTATUSCODES',
    'PIPELINING',
    'CHUNKING',
    'SMTPUTF8',
  ];
}

/** The answer to a mail that was taken. */
export function delivered(now: number): string {
  return `250 2.0.0 OK  ${Math.floor(now / 1000)} ${TAIL}`;
}
