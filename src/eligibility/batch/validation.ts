import { asFault } from '../../kernel/errors.ts';
import type { Access, Principal } from '../../twin/ports.ts';
import type { KnownSubject, Subjects } from '../subject.ts';
import { validate } from '../validate.ts';
import type { RowVerdict, StoredRow } from './storage.ts';

export interface ValidationParts {
  readonly access: Pick<Access, 'check'>;
  readonly subjects: Subjects;
}

/** What a question without service types asks for: the health plan as a whole. */
export const PLAN_TYPES: readonly string[] = ['30'];

/**
 * Row by row, before anybody is asked: whether the caller may, whether the record says whom to ask,
 * and whether the payer's format can carry it. Who may not ask about a member and who asks about
 * nobody are told the same.
 */
export async function judged(
  { access, subjects }: ValidationParts,
  principal: Principal,
  rows: readonly StoredRow[],
  today: string,
): Promise<RowVerdict[]> {
  const members = [...new Set(rows.flatMap(({ member }) => member ?? []))];
  const decisions = await access.check(
    principal,
    members.map((id) => ({ permission: 'check_eligibility', object: { type: 'member', id } })),
  );
  const allowed = new Set(members.filter((_, index) => decisions[index]?.allowed === true));
  return rows.map((row): RowVerdict => {
    const { n, member } = row;
    if (member === undefined || !allowed.has(member)) return { n, reason: 'not-found' };
    const known = knownOf(subjects, principal.tenant, row);
    if (typeof known === 'string') return { n, reason: known };
    const [fault] = validate(known.question, today);
    if (fault !== undefined) return { n, reason: `invalid: ${fault.field}` };
    const { coverage, payer, dedupeKey } = known;
    return { n, coverage, payer: payer.id, key: dedupeKey };
  });
}

/** @returns why it cannot be asked, in a word of ours */
export function knownOf(
  subjects: Subjects,
  tenant: string,
  { member = '', coverage, serviceTypes = PLAN_TYPES, serviceDate }: StoredRow,
): KnownSubject | string {
  try {
    return subjects.find({
      ...{ tenant, member, serviceTypes },
      ...(coverage !== undefined && { coverage }),
      ...(serviceDate !== undefined && { serviceDate }),
    });
  } catch (error) {
    const { code } = asFault(error);
    if (code === 'NOT_FOUND') return 'not-found';
    if (code === 'INVALID_ARGUMENT') return 'no-such-coverage';
    if (code === 'CONFLICT') return 'no-coverage-or-payer';
    throw error;
  }
}
