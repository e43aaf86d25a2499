export interface MailHostLayout {
  /** Everything the two servers read or write lies below this directory. */
  root: string;
  domain: string;
  ports: { smtps: number; submission: number; imaps: number };
}

/** The account that owns the mailboxes: Dovecot refuses to deliver as root. */
export const MAILBOX_OWNER = 'nobody';

/** Postfix's main.cf: TLS and a login are required, only the own domain is delivered, and no other host is ever looked up or contacted. */
export function postfixMain({ root, domain }: MailHostLayout): string {
  return `
compatibility_level = 3.6
queue_directory = ${root}/postfix/queue
data_directory = ${root}/postfix/data
maillog_file = ${root}/postfix/log
maillog_file_prefixes = ${root}
multi_instance_directories =

myhostname = ${domain}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
disable_dns_lookups = yes
default_transport = error:5.1.2 No mail leaves this host
relay_transport = error:5.1.2 No mail leaves this host
alias_maps =
alias_database =
local_recipient_maps =

virtual_mailbox_domains = ${domain}
virtual_mailbox_maps = texthash:${root}/postfix/etc/mailboxes
recipient_delimiter = +
virtual_transport = lmtp:unix:${root}/dovecot/run/lmtp
junk_destination_recipient_limit = 1
header_checks = regexp:${root}/postfix/etc/header-checks
message_size_limit = 35882577

smtpd_tls_cert_file = ${root}/tls/server.pem
smtpd_tls_key_file = ${root}/tls/server.key
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = ${root}/dovecot/run/smtp-auth
smtpd_sasl_security_options = noanonymous
smtpd_delay_reject = no
smtpd_sender_restrictions = permit_sasl_authenticated, check_sender_access static:{530 5.7.0 Authentication Required}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
`.trimStart();
}

/** Postfix's master.cf: two listeners, and a transport that files into the Junk folder. */
export function postfixMaster({ root, ports }: MailHostLayout): string {
  return `
127.0.0.1:${ports.smtps} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
127.0.0.1:${ports.submission} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
junk unix - n n - - pipe
  flags=DRhu user=${MAILBOX_OWNER} argv=/usr/lib/dovecot/dovecot-lda -c ${root}/dovecot/dovecot.conf -f \${sender} -d \${recipient} -m Junk
`.trimStart();
}

/** What a subject does to a mail: `[spam]` files it into Junk, `[lose]` accepts it and drops it. */
export const HEADER_CHECKS = String.raw`
/^Subject:.*\[spam\]/ FILTER junk:
/^Subject:.*\[lose\]/ DISCARD lost on request
`.trimStart();

/** Dovecot: IMAPS, LMTP delivery into Maildirs, and the login service that Postfix asks. */
export function dovecotConfig({ root, ports }: MailHostLayout): string {
  return `
protocols = imap lmtp
listen = 127.0.0.1
base_dir = ${root}/dovecot/run
state_dir = ${root}/dovecot/state
log_path = ${root}/dovecot/log

ssl = required
ssl_cert = <${root}/tls/server.pem
ssl_key = <${root}/tls/server.key
auth_mechanisms = plain login
auth_failure_delay = 0

passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${root}/dovecot/users
}
userdb {
  driver = static
  args = uid=${MAILBOX_OWNER} gid=nogroup home=${root}/mail/%u
}
mail_location = maildir:~/Maildir
mail_fsync = never

namespace inbox {
  inbox = yes
  mailbox Junk {
    special_use = \\Junk
    auto = subscribe
  }
  mailbox Sent {
    special_use = \\Sent
    auto = subscribe
  }
  mailbox Trash {
    special_use = \\Trash
    auto = subscribe
  }
}

service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = ${ports.imaps}
    ssl = yes
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
service auth {
  unix_listener smtp-auth {
    mode = 0666
  }
  unix_listener auth-userdb {
    mode = 0666
  }
}
# Without this socket, a wrong password brings no delay to the next login from the same address.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`.trimStart();
}
