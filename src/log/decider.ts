import { Fault } from '../kernel/errors.ts';
import type { AddressedBundle, AddressedRecord } from '../twin/fhir/records.ts';
import type { IntakeReceipt, Place, Provenance, SourceRecord } from '../twin/ports.ts';
import { recordKey } from '../twin/subjects.ts';
import { rename, withdrawElsewhere } from './consequences.ts';
import { type DeciderState, directoryKey, type Head, type HeadFacts } from './decider-state.ts';
import { bounded, factsOf, withNames } from './facts.ts';
import { takenByAnother } from './identity.ts';
import { nameOf } from './names.ts';

/** Who says it, and when it is decided. */
export interface Submission {
  readonly tenant: string;
  readonly provenance: Provenance;
  readonly eventId: string;
}

type Verdict = 'accepted' | 'unchanged' | 'stale';

/**
 * The rules by which a bundle becomes records: run inside one transaction, so a fault leaves
 * nothing of it. Directory records come first, so that every name is the newest one.
 * @throws Fault REFUSED_INPUT
 */
export function decideBundle(
  state: DeciderState,
  submission: Submission,
  bundle: AddressedBundle,
): IntakeReceipt {
  const { tenant } = submission;
  const counts = { accepted: 0, unchanged: 0, stale: 0 };
  const places = new Map<number, Place>();
  const renamed = new Set<string>();
  for (const { member, patient } of bundle.members) enrol(state, submission, member, patient);
  for (const record of bundle.records.filter(({ home }) => home.kind === 'directory')) {
    counts[decideDirectory(state, submission, record, renamed)]++;
  }
  for (const { index, home, ...record } of bundle.records) {
    if (home.kind !== 'subject') continue;
    const { subject } = home;
    const addressed = { ...record, subject, tenant, ...whence(submission) };
    const { verdict, written } = naming(index, () => decideRecord(state, addressed));
    counts[verdict]++;
    for (const place of written) places.set(place.partition, place);
  }
  for (const place of rename(state, submission, renamed)) places.set(place.partition, place);
  return {
    ...counts,
    members: bundle.members,
    ignored: bundle.ignored,
    places: [...places.values()],
  };
}

export interface DecidedRecord {
  readonly verdict: Verdict;
  /** Where the record stands, now or already. */
  readonly place: Place;
  /** In the order of writing; a record that moved is withdrawn elsewhere. */
  readonly written: readonly Place[];
}

/** Deleting what never was: there is no place to wait for. */
const NOWHERE: Place = { partition: 0, offset: -1 };

/**
 * One record that its room has addressed already. Unchanged and stale ones have no effect.
 * @throws Fault REFUSED_INPUT
 */
export function decideRecord(
  state: DeciderState,
  { lastUpdatedMs, ...given }: SourceRecord & { readonly lastUpdatedMs?: number },
): DecidedRecord {
  const record = withNames(state, plain(given));
  if (state.tenantOf(record.subject) !== record.tenant) claim(state, record);
  const key = recordKey(record);
  const head = state.head(key);
  const facts = factsOf(record, lastUpdatedMs, head);
  const verdict = compare(facts, head, record.resource === null, lastUpdatedMs);
  if (verdict !== 'accepted') return { verdict, place: head?.place ?? NOWHERE, written: [] };
  const elsewhere = record.resource === null ? [] : withdrawElsewhere(state, record);
  const place = state.append(bounded(record), facts);
  return { verdict, place, written: [...elsewhere, place] };
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

function enrol(state: DeciderState, by: Submission, member: string, patient: string): void {
  const owner = state.tenantOf({ kind: 'member', id: member });
  if (owner === by.tenant) return;
  if (owner !== undefined) throw takenByAnother();
  state.enrol({ member, tenant: by.tenant, source: by.provenance.source, patient });
}

function decideDirectory(
  state: DeciderState,
  by: Submission,
  { index, type, id, resource, lastUpdatedMs }: AddressedRecord,
  renamed: Set<string>,
): Verdict {
  const record = { tenant: by.tenant, type, id, resource, ...whence(by) };
  const head = state.head(directoryKey(record));
  const facts = { ...factsOf({ resource, names: {} }, lastUpdatedMs, head), mentions: [] };
  const verdict = compare(facts, head, resource === null, lastUpdatedMs);
  if (verdict !== 'accepted') return verdict;
  naming(index, () => state.appendDirectory(bounded(record), facts));
  const reference = `${type}/${id}`;
  const name = nameOf(resource);
  if (name !== state.nameOf(by.tenant, reference)) {
    state.setName(by.tenant, reference, name);
    renamed.add(reference);
  }
  return verdict;
}

function compare(
  facts: HeadFacts,
  head: Head | undefined,
  deletes: boolean,
  lastUpdatedMs: number | undefined,
): Verdict {
  if (head === undefined) return deletes ? 'unchanged' : 'accepted';
  if (head.hash === facts.hash) return 'unchanged';
  const known = head.lastUpdatedMs;
  if (lastUpdatedMs !== undefined && known !== undefined && lastUpdatedMs < known) return 'stale';
  return 'accepted';
}

/** A refusal names the entry that it is about. */
function naming<T>(entry: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Fault) || error.data.entry !== undefined) throw error;
    throw new Fault(error.code, { detail: error.message, data: { ...error.data, entry } });
  }
}

function whence({ provenance, eventId }: Submission): Pick<SourceRecord, 'provenance' | 'eventId'> {
  return { provenance, eventId };
}

/** Exactly the fields of a record, in their order, whatever else the caller's object has. */
function plain(record: SourceRecord): SourceRecord {
  const { tenant, subject, type, id, resource, names, provenance, eventId } = record;
  return { tenant, subject, type, id, resource, names, provenance, eventId };
}
