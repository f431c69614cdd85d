import { Fault } from '../../kernel/errors.ts';
import type { Principal } from '../../twin/ports.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { BreakGlassParts } from './parts.ts';

type Parts = Pick<BreakGlassParts, 'access' | 'audit' | 'view'>;

/** Relations on the organization whose holders treat people or coordinate their care. */
const CARING = ['nurse', 'coordinator'] as const;

/**
 * Whether somebody may break the glass at all: a scope never grants (design §5), so it takes a role
 * that treats or coordinates care in the tenant. Those who run, bill or supervise have none.
 */
async function isCaring({ access }: Parts, principal: Principal): Promise<boolean> {
  const object = { type: 'organization', id: principal.tenant };
  const items = CARING.map((permission) => ({ permission, object }));
  const [decisions, asPractitioner] = await Promise.all([
    access.check(principal, items),
    access.lookup(principal, 'self', 'practitioner'),
  ]);
  return asPractitioner.length > 0 || decisions.some(({ allowed }) => allowed);
}

/** Whose record it is: nobody's and another tenant's are alike. */
function isOwnMember({ view }: Parts, { tenant }: Principal, member: string): boolean {
  const subject = { kind: 'member', id: member } as const;
  return view.for(view.partitionOf(subject)).tenantOf(subject) === tenant;
}

/**
 * Only a person by themself opens and ends: with an agent in the `act` chain it could be the agent
 * that wants it, whatever the person once allowed.
 * @throws Fault NOT_FOUND, once the refusal is in the audit
 */
export async function requirePerson(parts: Parts, caller: Caller, member?: string): Promise<void> {
  const { kind, actor } = caller.principal;
  if (kind === 'user' && actor === undefined) return;
  await denied(parts, caller, member, 'an agent does not break the glass');
  const detail = 'Only a person breaks the glass, by themself and with a token of their own.';
  throw new Fault('NOT_FOUND', { detail });
}

/**
 * Both are asked whatever the other says, and refused in the same words: whoever breaks the glass
 * learns which members their own tenant has, and nothing of any other.
 * @throws Fault NOT_FOUND, once the refusal is in the audit
 */
export async function requireOpener(parts: Parts, caller: Caller, member: string): Promise<void> {
  const may = await isCaring(parts, caller.principal);
  const own = isOwnMember(parts, caller.principal, member);
  if (may && own) return;
  await denied(parts, caller, member, may ? 'no such member' : 'no role that breaks the glass');
  const detail =
    'There is no such member in your organization, or you have no role there that treats people ' +
    'or coordinates their care (practitioner, nurse, coordinator).';
  throw new Fault('NOT_FOUND', { detail });
}

export async function isOfficer({ access }: Parts, principal: Principal): Promise<boolean> {
  const object = { type: 'organization', id: principal.tenant };
  const [decision] = await access.check(principal, [{ permission: 'privacy_officer', object }]);
  return decision?.allowed === true;
}

/** @throws Fault NOT_FOUND, once the refusal is in the audit */
export async function requireOfficer(parts: Parts, caller: Caller): Promise<void> {
  if (await isOfficer(parts, caller.principal)) return;
  await denied(parts, caller, undefined, 'privacy_officer of the organization');
  throw new Fault('NOT_FOUND');
}

async function denied(
  { audit }: Parts,
  caller: Caller,
  member: string | undefined,
  why: string,
): Promise<void> {
  const { tenant } = caller.principal;
  const what = [{ uri: member === undefined ? `organization:${tenant}` : `member:${member}` }];
  await audit.append({ action: 'break-glass', outcome: 'denied', ...caller, what, why });
}
