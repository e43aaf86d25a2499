import { type MailSandbox, type SandboxMailOptions, startMailSandbox } from '../../src/sandbox/mail/mail-sandbox.ts';

export const OWNER = 'owner@gmail.example';
export const GUARD = 'guard@gmail.example';
export const APP_PASSWORD = 'abcdefghijklmnop';

export function start(options: Partial<SandboxMailOptions> = {}): Promise<MailSandbox> {
  const users = [
    { email: OWNER, appPassword: 'abcd efgh ijkl mnop', accountPassword: 'My account password 1' },
    { email: GUARD, appPassword: 'qrstuvwxyzabcdef' },
  ];
  return startMailSandbox({ users, ...options });
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

export const plainLogin = (user = OWNER, password = APP_PASSWORD): string => `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`;
