import { accountFrom, type GmailAccountNode } from '../shared/account.ts';
import { serveVerify } from '../shared/admin.ts';
import { serveMail } from '../shared/admin-mail.ts';
import type { NodeRed, RuntimeNode } from '../shared/node-red.ts';
import { migrate } from './config.ts';

module.exports = (RED: NodeRed) => {
  function GmailAccount(this: RuntimeNode, saved: Record<string, unknown>) {
    RED.nodes.createNode(this, saved);
    const config = migrate(saved);
    const node = this as GmailAccountNode;
    node.account = () => accountFrom(RED, { ...config, id: node.id, tls: undefined }, config.tls, node.credentials ?? {});
  }

  RED.nodes.registerType('gmail-account', GmailAccount, {
    credentials: {
      appPassword: { type: 'password' },
      clientId: { type: 'text' },
      clientSecret: { type: 'password' },
      refreshToken: { type: 'password' },
    },
  });
  serveVerify(RED);
  serveMail(RED);
};
