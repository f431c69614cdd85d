import { Fault } from '../kernel/errors.ts';
import type { AddressedBundle, AddressedRecord, BundleEntry } from '../twin/fhir/records.ts';
import { needOfIdentifier } from '../twin/fhir/references.ts';
import { Refusal, refusalOf, refused } from '../twin/fhir/refusal.ts';
import type { Provenance, SourceRecord } from '../twin/ports.ts';
import { recordKey } from '../twin/subjects.ts';
import { rename } from './consequences.ts';
import { compare, decideRecord } from './decide-record.ts';
import { type DeciderState, directoryKey } from './decider-state.ts';
import { bounded, factsOf } from './facts.ts';
import { takenByAnother } from './identity.ts';
import { isLabelled } from './labels.ts';
import { settleLinks } from './merge.ts';
import { identifiersOf, nameOf } from './names.ts';
import { routesOf, tellPractitioners } from './practitioners.ts';
import { requirePrecondition } from './preconditions.ts';
import { countPlaces, countRefusal, countVerdict, type Tally, type Verdict } from './tally.ts';

/** Who says it, and when it is decided. */
export interface Said {
  readonly tenant: string;
  readonly provenance: Provenance;
  readonly eventId: string;
  /** Etags by which readers may know a record. */
  readonly etagsOf: (record: SourceRecord) => readonly string[];
}

/** Decides one entry and counts it; what it does with a refusal makes the unit whole or not. */
export type Guard = (tally: Tally, entry: BundleEntry, work: () => Verdict) => void;

/** A transaction: one refusal is the refusal of all. */
export const together: Guard = (tally, entry, work) => {
  try {
    countVerdict(tally, entry, work());
  } catch (error) {
    throw refusalOf(error, entry, entry.type);
  }
};

/** Each entry by itself: a refusal leaves nothing of it, and the others go on. */
export function apart(state: DeciderState): Guard {
  return (tally, entry, work) => {
    try {
      countVerdict(tally, entry, state.attempt(work));
    } catch (error) {
      const refusal = refusalOf(failedPrecondition(error, entry), entry, entry.type);
      if (!(refusal instanceof Refusal)) throw refusal;
      countRefusal(tally, refusal);
    }
  };
}

/** Of one entry among others: they go on without it. */
function failedPrecondition(error: unknown, at: BundleEntry): unknown {
  if (!(error instanceof Fault) || error.code !== 'PRECONDITION_FAILED') return error;
  const says = 'What it says of the present version is not so.';
  return refused({ at, type: at.type, path: 'request', reason: 'precondition-failed', says });
}

/**
 * The rules by which addressed records become records of the log: run inside one transaction.
 * Directory records come first, so that every name and label is the newest one.
 * @throws Refusal where the guard is `together`
 */
export function decideBundle(
  state: DeciderState,
  by: Said,
  bundle: AddressedBundle,
  tally: Tally,
  guard: Guard,
): void {
  const { directory = [], subject = [] } = Object.groupBy(bundle.records, ({ home }) => home.kind);
  const renamed = new Set<string>();
  for (const { member, patient } of bundle.members) tally.members.set(member, patient);
  for (const [type, count] of Object.entries(bundle.ignored)) {
    tally.ignored[type] = (tally.ignored[type] ?? 0) + count;
  }
  for (const entry of bundle.existing) countVerdict(tally, entry, 'unchanged');
  for (const { entry, id } of bundle.unknown) {
    const { lastUpdatedMs, type } = entry;
    if (lastUpdatedMs !== undefined) state.bury(by.tenant, type, id, lastUpdatedMs);
    countVerdict(tally, entry, 'unchanged');
  }
  for (const record of directory) {
    guard(tally, record.entry, () =>
      arrived(state, by, record, tally, decideDirectory(state, by, record, renamed, tally)),
    );
  }
  // A member is there before what is about it.
  for (const record of subject.toSorted((a, b) => rank(a) - rank(b))) {
    guard(tally, record.entry, () =>
      arrived(state, by, record, tally, decideOwn(state, by, record, tally)),
    );
  }
  countPlaces(tally, rename(state, by, renamed));
}

function rank({ type }: AddressedRecord): number {
  return type === 'Patient' ? 0 : 1;
}

function decideOwn(
  state: DeciderState,
  by: Said,
  { home, entry, ...record }: AddressedRecord,
  tally: Tally,
): Verdict {
  if (home.kind !== 'subject') return 'unchanged';
  const { tenant, provenance, eventId } = by;
  const { type, id, resource } = record;
  const isPatient = type === 'Patient' && resource !== null;
  if (isPatient) enrol(state, by, id, entry.id);
  const { lastUpdatedMs } = entry;
  const own = { ...record, subject: home.subject, tenant, provenance, eventId };
  requirePrecondition(entry, () => state.latest(recordKey(own)), by.etagsOf);
  const time = lastUpdatedMs === undefined ? {} : { lastUpdatedMs };
  const { verdict, written } = decideRecord(state, { ...own, ...time });
  const moved = isPatient && verdict === 'accepted' ? settleLinks(state, by, own) : [];
  const shown = type === 'Appointment' && verdict === 'accepted';
  const told = shown ? tellPractitioners(state, by, own) : [];
  countPlaces(tally, [...written, ...moved, ...told]);
  return verdict;
}

/** What waits for an accepted record is found by its id, its identifiers and its urls. */
function arrived(
  state: DeciderState,
  { tenant, provenance }: Said,
  { entry, type, id, resource }: AddressedRecord,
  tally: Tally,
  verdict: Verdict,
): Verdict {
  if (verdict !== 'accepted' || resource === null) return verdict;
  const { fullUrl = '' } = entry;
  const reference = `${type}/${id}`;
  const ownUrl = `urn:uuid:${entry.id}`;
  tally.arrived.add(reference).add(ownUrl);
  if (fullUrl.startsWith('urn:') && fullUrl !== ownUrl) {
    state.rememberUrl(tenant, provenance.source, fullUrl, reference);
    tally.arrived.add(fullUrl);
  }
  for (const { system, value } of identifiersOf(resource)) {
    tally.arrived.add(needOfIdentifier(type, system, value));
  }
  return verdict;
}

function enrol(state: DeciderState, by: Said, member: string, patient: string): void {
  const owner = state.tenantOf({ kind: 'member', id: member });
  if (owner === by.tenant) return;
  if (owner !== undefined) throw takenByAnother();
  state.enrol({ member, tenant: by.tenant, source: by.provenance.source, patient });
}

function decideDirectory(
  state: DeciderState,
  by: Said,
  { entry, type, id, resource }: AddressedRecord,
  renamed: Set<string>,
  tally: Tally,
): Verdict {
  const { lastUpdatedMs } = entry;
  const { tenant, provenance, eventId } = by;
  const record: Omit<SourceRecord, 'subject' | 'names'> = {
    ...{ tenant, type, id, resource, provenance, eventId },
  };
  const key = directoryKey(record);
  const head = state.head(key);
  requirePrecondition(entry, () => state.latest(key), by.etagsOf);
  const own = factsOf({ resource, names: {} }, lastUpdatedMs, head);
  const facts = { ...own, mentions: routesOf(resource) };
  const known = head?.lastUpdatedMs ?? state.buriedAt(tenant, type, id);
  const verdict = compare(facts, head, resource === null, { lastUpdatedMs, known });
  if (verdict !== 'accepted') return verdict;
  state.appendDirectory(bounded(record), facts);
  const reference = `${type}/${id}`;
  const name = nameOf(resource);
  if (name !== state.nameOf(tenant, reference)) {
    state.setName(tenant, reference, name);
    renamed.add(reference);
  }
  countPlaces(tally, tellPractitioners(state, { tenant, provenance, eventId }, record));
  const labelled = isLabelled(resource);
  if (labelled !== state.isLabelled(tenant, reference)) {
    state.setLabelled(tenant, reference, labelled);
    renamed.add(reference);
  }
  return verdict;
}
