import { TIME_PASSED } from '../twin/documents/time.ts';
import type { Place, SourceRecord } from '../twin/ports.ts';
import { recordKey } from '../twin/subjects.ts';
import { because, type Cause } from './consequences.ts';
import { decideRecord } from './decide-record.ts';
import type { DeciderState } from './decider-state.ts';
import { factsOf } from './facts.ts';
import { identifiersOf } from './names.ts';
import { linkIn, survivorOf } from './survivors.ts';

/**
 * After a Patient was accepted: follows its link `replaced-by`, and the links of others to it, as
 * soon as both are known. Everything of the old member moves to the survivor, and nothing of the
 * old one is left to be read.
 */
export function settleLinks(state: DeciderState, cause: Cause, record: SourceRecord): Place[] {
  const { tenant, subject, resource } = record;
  const survivor = linkIn(resource);
  if (survivor !== undefined) state.link(tenant, subject.id, survivor);
  const linked = state.linkedTo(tenant, subject.id).map(({ member }) => member);
  return [subject.id, ...linked].flatMap((member) => merge(state, cause, member));
}

function merge(state: DeciderState, cause: Cause, member: string): Place[] {
  const { tenant } = cause;
  const link = state.linkOf(tenant, member);
  if (link === undefined || link.merged) return [];
  const survivor = survivorOf(state, tenant, link.survivor);
  const known = [member, survivor].every((id) => latestPatient(state, tenant, id) !== undefined);
  if (!known || survivor === member) return [];
  state.setMerged(tenant, member);
  const subject = { kind: 'member', id: member } as const;
  const places = state.keysOf(subject).flatMap((key) => move(state, cause, key));
  const patient = latestPatient(state, tenant, survivor);
  return patient === undefined ? places : [...places, ...again(state, cause, patient)];
}

/** To the survivor, unless that one has a newer one; then a tombstone, wherever it came from. */
function move(state: DeciderState, cause: Cause, key: string): readonly Place[] {
  const latest = state.latest(key);
  if (latest === undefined) return [];
  const { resource, type } = latest;
  const stays = type === 'Patient' || type === TIME_PASSED.type;
  const moved = stays ? [] : again(state, cause, latest, key);
  if (state.latest(key) === undefined) return moved;
  const gone = { ...because(cause, latest), resource: null, names: {} };
  // Whoever names the old Patient by its identifier means the survivor from now on.
  const identifiers = identifiersOf(resource);
  const facts = { ...factsOf(gone, undefined, state.head(key)), identifiers };
  return [...moved, state.append(gone, facts)];
}

function again(
  state: DeciderState,
  cause: Cause,
  record: SourceRecord,
  key = recordKey(record),
): readonly Place[] {
  const time = state.head(key)?.lastUpdatedMs;
  const timed = { ...because(cause, record), ...(time !== undefined && { lastUpdatedMs: time }) };
  return decideRecord(state, timed).written;
}

function latestPatient(state: DeciderState, tenant: string, id: string): SourceRecord | undefined {
  const subject = { kind: 'member', id } as const;
  return state.latest(recordKey({ tenant, subject, type: 'Patient', id }));
}
