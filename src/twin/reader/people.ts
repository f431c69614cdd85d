import { isId } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Person, Principal } from '../ports.ts';
import { memberObject, viewSection } from '../subjects.ts';
import type { Caller, ReaderParts } from './parts.ts';
import { isShown } from './shown.ts';

/** People named to a caller who has to pick one. */
const PEOPLE_MAX = 10;

/**
 * The member that a tool's `member` argument means: an id, or a name, birth date or plan number
 * of someone whose profile the caller may read. Without one: the caller's own record, or the only
 * one that they may read; otherwise `undefined`, meaning all of them.
 * @throws Fault INVALID_ARGUMENT when several people fit, naming them; NOT_FOUND when nobody does.
 */
export async function findMember(
  parts: ReaderParts,
  caller: Caller,
  text: string | undefined,
): Promise<string | undefined> {
  const { principal } = caller;
  if (text === undefined) return await ownMember(parts, principal);
  if (isId(text)) {
    const [decision] = await parts.access.check(principal, [viewSection(text, 'profile')]);
    if (decision?.allowed === true) return text;
  }
  const people = await readablePeople(parts, principal, text);
  const [only, ...others] = people;
  if (only !== undefined && others.length === 0) return only.member;
  // A caller may read one section of a member without the profile: the id alone is enough then.
  if (only === undefined && isId(text)) return text;
  if (only === undefined) throw new Fault('NOT_FOUND');
  await parts.audit.append({
    action: 'find',
    outcome: 'success',
    ...caller,
    what: people.map(({ member }) => ({ uri: `mcp://twins/member/${member}/profile` })),
    why: 'view_profile by lookup',
  });
  throw new Fault('INVALID_ARGUMENT', {
    detail: `Several people fit: name one by member id (${people.map((p) => p.member).join(', ')}).`,
    data: { members: people.map(({ member }) => member) },
  });
}

/** Names, birth dates and numbers are of the profile: to match them is to read it. */
async function readablePeople(
  parts: ReaderParts,
  principal: Principal,
  text: string,
): Promise<Person[]> {
  if (!isShown(principal, 'profile')) return [];
  const members = await parts.access.lookup(principal, 'view_profile', 'member');
  return peopleNamed(parts, { tenant: principal.tenant, members, text });
}

/** Only a member themselves may manage whom they trust, so that permission names "self". */
async function ownMember(parts: ReaderParts, principal: Principal): Promise<string | undefined> {
  const own = await parts.access.lookup(principal, 'manage_trust', 'member');
  if (own.length === 1) return own[0];
  const readable = await parts.access.lookup(principal, 'view_profile', 'member');
  return readable.length === 1 ? readable[0] : undefined;
}

/**
 * For operators: which member id belongs to whom in their tenant. Names and birth dates only of
 * members whose profile the caller may read; to others the ids alone.
 */
export async function findPeople(
  parts: ReaderParts,
  caller: Caller,
  text: string,
): Promise<Person[]> {
  const { principal } = caller;
  const object = { type: 'organization', id: principal.tenant };
  const [decision] = await parts.access.check(principal, [{ permission: 'admin', object }]);
  const allowed = decision?.allowed === true;
  const people = allowed ? peopleNamed(parts, { tenant: principal.tenant, text }) : [];
  await parts.audit.append({
    action: 'find',
    outcome: allowed ? 'success' : 'denied',
    ...caller,
    what: people.map(({ member }) => ({ uri: `mcp://twins/member/${member}/profile` })),
    why: `admin of organization:${principal.tenant}`,
  });
  if (!allowed) throw new Fault('NOT_FOUND');
  const items = people.map(({ member }) => ({
    permission: 'view_profile',
    object: memberObject(member),
  }));
  const decisions = await parts.access.check(principal, items);
  return people.map((person, index) =>
    decisions[index]?.allowed === true ? person : { ...person, name: '', birthDate: '' },
  );
}

function peopleNamed(
  { view }: ReaderParts,
  query: { tenant: string; members?: readonly string[]; text: string },
): Person[] {
  if (query.text.length > LIMITS.searchQueryCharsMax) return [];
  return view
    .shards()
    .flatMap((shard) => shard.people({ ...query, limit: PEOPLE_MAX + 1 }))
    .slice(0, PEOPLE_MAX + 1);
}
