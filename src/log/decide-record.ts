import { Fault } from '../kernel/errors.ts';
import type { Place, SourceRecord } from '../twin/ports.ts';
import { recordKey, subjectKey } from '../twin/subjects.ts';
import { withdrawElsewhere } from './consequences.ts';
import type { DeciderState, Head, HeadFacts } from './decider-state.ts';
import { bounded, factsOf, withCopies } from './facts.ts';
import { takenByAnother } from './identity.ts';
import { linkIn, ofSurvivor, survivorOf } from './survivors.ts';
import type { Verdict } from './tally.ts';

export interface DecidedRecord {
  readonly verdict: Verdict;
  /** Where the record stands, now or already. */
  readonly place: Place;
  /** In the order of writing; a record that moved is withdrawn elsewhere. */
  readonly written: readonly Place[];
}

export type TimedRecord = SourceRecord & { readonly lastUpdatedMs?: number };

/** Deleting what never was: there is no place to wait for. */
const NOWHERE: Place = { partition: 0, offset: -1 };

/**
 * One record that its room has addressed already. Unchanged and stale ones have no effect.
 * @throws Fault REFUSED_INPUT
 */
export function decideRecord(
  state: DeciderState,
  { lastUpdatedMs, ...given }: TimedRecord,
): DecidedRecord {
  if (isReplaced(state, given)) {
    const { tenant, subject, resource } = given;
    const same = linkIn(resource) === state.linkOf(tenant, subject.id)?.survivor;
    return { verdict: same ? 'unchanged' : 'stale', place: NOWHERE, written: [] };
  }
  const record = withCopies(state, ofSurvivor(state, plain(given)));
  if (state.tenantOf(record.subject) !== record.tenant) claim(state, record);
  const head = state.head(recordKey(record));
  const facts = factsOf(record, lastUpdatedMs, head);
  const deletes = record.resource === null;
  const known = head?.lastUpdatedMs ?? (lastUpdatedMs && lastKnownElsewhere(state, record));
  const verdict = compare(facts, head, deletes, { lastUpdatedMs, known });
  if (verdict !== 'accepted') return { verdict, place: head?.place ?? NOWHERE, written: [] };
  bounded(record);
  const elsewhere = deletes ? [] : withdrawElsewhere(state, record);
  const place = state.append(record, facts);
  return { verdict, place, written: [...elsewhere, place] };
}

export function compare(
  facts: HeadFacts,
  head: Head | undefined,
  deletes: boolean,
  { lastUpdatedMs, known }: { lastUpdatedMs: number | undefined; known: number | undefined },
): Verdict {
  if (head === undefined && deletes) return 'unchanged';
  if (head?.hash === facts.hash) return 'unchanged';
  if (lastUpdatedMs !== undefined && known !== undefined && lastUpdatedMs < known) return 'stale';
  return 'accepted';
}

/** The Patient of a member whose records have moved: there is nobody any more whom it is about. */
function isReplaced(state: DeciderState, { tenant, subject, type, id }: SourceRecord): boolean {
  if (type !== 'Patient' || subject.kind !== 'member' || subject.id !== id) return false;
  return survivorOf(state, tenant, id) !== id;
}

/** Deleted before it came, or filed with another member by the same source. */
function lastKnownElsewhere(state: DeciderState, record: SourceRecord): number | undefined {
  const { tenant, subject, type, id, provenance } = record;
  const times = state.holders(tenant, type, id).flatMap((holder) => {
    if (holder === 'directory' || subjectKey(holder) === subjectKey(subject)) return [];
    const key = recordKey({ tenant, subject: holder, type, id });
    const own = state.latest(key)?.provenance.source === provenance.source;
    return (own ? state.head(key)?.lastUpdatedMs : undefined) ?? [];
  });
  const buried = state.buriedAt(tenant, type, id);
  if (buried !== undefined) times.push(buried);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** A subject belongs to the tenant that wrote it first; a member must have been enrolled. */
function claim(state: DeciderState, { subject }: SourceRecord): void {
  if (state.tenantOf(subject) !== undefined) throw takenByAnother();
  if (subject.kind !== 'member') return;
  throw new Fault('REFUSED_INPUT', {
    detail: 'A record belongs to a member that is not known: send the Patient first.',
    data: { reason: 'unknown-member' },
  });
}

/** Exactly the fields of a record, in their order, whatever else the caller's object has. */
function plain(record: SourceRecord): SourceRecord {
  const { tenant, subject, type, id, resource, names, provenance, eventId } = record;
  return { tenant, subject, type, id, resource, names, provenance, eventId };
}
