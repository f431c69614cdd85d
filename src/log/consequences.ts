import type { Place, SourceRecord } from '../twin/ports.ts';
import { recordKey, subjectKey } from '../twin/subjects.ts';
import type { DeciderState } from './decider-state.ts';
import { factsOf, withCopies } from './facts.ts';

/** What a decision brings with it carries its event's id and time, but not its source. */
export type Cause = Pick<SourceRecord, 'tenant' | 'provenance' | 'eventId'>;

/** Documents hold names and labels, so what mentions a record that changed them is said again. */
export function rename(
  state: DeciderState,
  cause: Cause,
  references: ReadonlySet<string>,
): Place[] {
  const keys = new Set(
    [...references].flatMap((reference) => state.mentioning(cause.tenant, reference)),
  );
  return [...keys].flatMap((key) => {
    const latest = state.latest(key);
    const head = state.head(key);
    if (latest === undefined || head === undefined) return [];
    const unnamed = Object.entries(latest.names).filter(([name]) => !references.has(name));
    const record = withCopies(state, { ...latest, names: Object.fromEntries(unnamed) });
    const facts = factsOf(record, undefined, head);
    return facts.hash === head.hash ? [] : [state.append(because(cause, record), facts)];
  });
}

/**
 * A source that files a record with another subject than before has corrected itself: the record
 * must not stay with the person whose it never was. Another source's record of that id does stay.
 */
export function withdrawElsewhere(state: DeciderState, record: SourceRecord): Place[] {
  const { tenant, subject, type, id, provenance } = record;
  return state.holders(tenant, type, id).flatMap((holder) => {
    if (holder === 'directory' || subjectKey(holder) === subjectKey(subject)) return [];
    const key = recordKey({ tenant, subject: holder, type, id });
    const latest = state.latest(key);
    if (latest === undefined || latest.provenance.source !== provenance.source) return [];
    const gone = { ...because(record, latest), resource: null, names: {} };
    return [state.append(gone, factsOf(gone, undefined, state.head(key)))];
  });
}

export function because({ provenance, eventId }: Cause, record: SourceRecord): SourceRecord {
  const { recorded } = provenance;
  return { ...record, provenance: { ...record.provenance, recorded }, eventId };
}
