import { Fault } from '../kernel/errors.ts';
import type { Access, Audit } from '../twin/ports.ts';
import type { Caller } from '../twin/reader/index.ts';
import { memberObject } from '../twin/subjects.ts';

/** The document that shows what payers say of a member. */
export function documentOf(member: string): string {
  return `mcp://twins/member/${member}/coverage`;
}

export interface DoorOptions {
  /** What is asked for besides a check, in the words of the audit. */
  readonly also?: string;
  readonly refusal?: () => Fault;
}

/**
 * Whether the caller may have payers asked about a member, which stands in the audit either way.
 * Denied looks like absent. @throws Fault NOT_FOUND, or the refusal given
 */
export async function requireCheck(
  {
    access,
    audit,
  }: { readonly access: Pick<Access, 'check'>; readonly audit: Pick<Audit, 'append'> },
  caller: Caller,
  member: string,
  { also, refusal = () => new Fault('NOT_FOUND') }: DoorOptions = {},
): Promise<void> {
  const item = { permission: 'check_eligibility', object: memberObject(member) };
  const [decision] = await access.check(caller.principal, [item]);
  const allowed = decision?.allowed === true;
  const more = also === undefined ? '' : `; ${also}`;
  await audit.append({
    ...{ action: 'eligibility', outcome: allowed ? 'success' : 'denied', ...caller },
    what: [{ uri: documentOf(member) }],
    why: allowed ? `check_eligibility at ${decision.revision}${more}` : 'denied',
  });
  if (!allowed) throw refusal();
}
