export { explainSmtpReply, type ReplyMeaning } from './explain-reply.ts';
export { type MailProtocol, mailError } from './mail-error.ts';
