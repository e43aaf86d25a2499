import { child, children, childText, type XmlDocument, type XmlElement } from '../../../http/xml.ts';

export function mailingOf(document: XmlDocument): XmlElement {
  return child(document.root, 'mailing') ?? document.root;
}

export function recipientsOf(mailing: XmlElement): string[] {
  return children(child(mailing, 'receiverList'), 'receiver')
    .map((receiver) => childText(receiver, 'emailAddress') ?? '')
    .filter((address) => address !== '');
}

/** The same elements in the same order and namespace; only `password` may come on top, and hostName and ipAddress may swap. */
export function sameShape(stored: XmlElement, sent: XmlElement): boolean {
  if (stored.name !== sent.name || stored.attributes.xmlns !== sent.attributes.xmlns) return false;
  const plain = sent.children.filter(({ name }) => name !== 'password');
  const asName = (name: string) => (name === 'ipAddress' ? 'hostName' : name);
  return (
    plain.length === stored.children.length &&
    stored.children.every((one, index) => {
      const other = plain[index];
      return other !== undefined && sameShape({ ...one, name: asName(one.name) }, { ...other, name: asName(other.name) });
    })
  );
}

export function validMailing(mailing: XmlElement): boolean {
  const smtp = child(mailing, 'sender', 'smtp');
  const flags = ['enableAuthorization', 'enableSSL', 'enableTLS', 'startTLS']
    .map((name) => childText(smtp, name))
    .filter((value) => value !== undefined);
  const port = Number(childText(smtp, 'portNo'));
  const both = childText(smtp, 'enableSSL') === 'true' && childText(smtp, 'enableTLS') === 'true';
  const lengths = [childText(smtp, 'hostName'), childText(smtp, 'accountName'), childText(mailing, 'sender', 'emailAddress')];
  return (
    mailing.name === 'mailing' &&
    flags.every((value) => value === 'true' || value === 'false') &&
    Number.isInteger(port) &&
    port > 0 &&
    port < 65536 &&
    !both &&
    /^(hostname|ipaddress)$/.test(childText(smtp, 'addressingFormatType') ?? '') &&
    Buffer.byteLength(childText(smtp, 'password') ?? '') <= 32 &&
    lengths.every((value) => Buffer.byteLength(value ?? '') <= 64) &&
    recipientsOf(mailing).every((address) => /^\S+@\S+$/.test(address))
  );
}
