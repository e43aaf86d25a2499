import type { Parameters } from './email.ts';
import { isRecord, parseAnswer, type SunapiRecord } from './sunapi.ts';

/** One recipient of a recorder. */
export interface SmtpUser {
  index: number;
  group: string;
  name: string;
  address: string;
}

export interface UserStep {
  list: 'users' | 'groups';
  action: 'add' | 'update' | 'remove';
  parameters: Parameters;
}

type NewUser = Omit<SmtpUser, 'index'>;

/** The recipients in the answer to `smtpusers view`, JSON or text. */
export function readUsers(body: string): SmtpUser[] {
  return items(body, 'SMTPUsers').flatMap(({ UserIndex, GroupID, UserName, Recipient }) => {
    const index = Number(UserIndex);
    if (!Number.isInteger(index) || typeof Recipient !== 'string') return [];
    return [{ index, group: String(GroupID ?? ''), name: String(UserName ?? ''), address: Recipient.trim() }];
  });
}

/** The group that new recipients go into, from the answer to `smtpgroups view`. */
export function firstGroup(body: string): string | undefined {
  const id = items(body, 'SMTPGroups')[0]?.GroupID;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function items(body: string, list: string): SunapiRecord[] {
  const { record, records } = parseAnswer(body);
  return Array.isArray(record[list]) ? record[list].filter(isRecord) : records;
}

/** Addresses, each once. */
export function addressesOf(users: readonly SmtpUser[]): string[] {
  const known = new Set<string>();
  return users
    .map(({ address }) => address)
    .filter((address) => {
      const key = address.toLowerCase();
      return address !== '' && !known.has(key) && known.add(key).has(key);
    });
}

/** The steps that make exactly these addresses recipients: those that stay are left alone, new ones take the places of those that go. */
export function stepsToAddresses(users: readonly SmtpUser[], addresses: readonly string[], group: string | undefined): UserStep[] {
  const wanted = new Set(addresses.map((address) => address.toLowerCase()));
  const leaving = users.filter(({ address }) => !wanted.has(address.toLowerCase()));
  const staying = users.filter(({ address }) => wanted.has(address.toLowerCase()));
  const names = new Set(staying.map(({ name }) => name));
  const missing = addresses.filter((address) => !staying.some((user) => user.address.toLowerCase() === address.toLowerCase()));
  const added = missing.map((address) => {
    const base = address.split('@')[0] ?? address;
    let name = base;
    for (let count = 2; names.has(name); count += 1) name = `${base}${count}`;
    names.add(name);
    return { group: users[0]?.group ?? group ?? NEW_GROUP, name, address };
  });
  const needsGroup = added.length > leaving.length && users.length === 0 && group === undefined;
  return [...(needsGroup ? [CREATE_GROUP] : []), ...exchange(leaving, added)];
}

/** The steps that bring an earlier list back. */
export function stepsToUsers(users: readonly SmtpUser[], before: readonly SmtpUser[]): UserStep[] {
  const isSame = (one: NewUser, other: NewUser) => one.group === other.group && one.name === other.name && one.address === other.address;
  const leaving = users.filter((user) => !before.some((old) => isSame(old, user)));
  return exchange(
    leaving,
    before.filter((old) => !users.some((user) => isSame(old, user))),
  );
}

const NEW_GROUP = 'Alerts';
/** A group added by its name alone gets that name as its GroupID. */
const CREATE_GROUP: UserStep = { list: 'groups', action: 'add', parameters: [['GroupName', NEW_GROUP]] };

/** Removing goes from the end, in case the recorder numbers the rest anew. */
function exchange(leaving: readonly SmtpUser[], added: readonly NewUser[]): UserStep[] {
  const fields = ({ group, name, address }: NewUser): Parameters => [
    ['GroupID', group],
    ['UserName', name],
    ['Recipient', address],
  ];
  const updates = leaving.slice(0, added.length).map((user, position): UserStep => {
    const next = added[position] ?? user;
    const moved = next.group === user.group ? fields(next).slice(1) : fields(next);
    return { list: 'users', action: 'update', parameters: [['UserIndex', String(user.index)], ...moved] };
  });
  const removals = leaving
    .slice(added.length)
    .sort((one, other) => other.index - one.index)
    .map(({ index }): UserStep => ({ list: 'users', action: 'remove', parameters: [['UserIndex', String(index)]] }));
  const additions = added.slice(leaving.length).map((user): UserStep => ({ list: 'users', action: 'add', parameters: fields(user) }));
  return [...updates, ...removals, ...additions];
}
