import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../kernel/errors.ts';
import { waitsForReview } from '../twin/break-glass.ts';
import { BREAK_GLASS, FORGOTTEN, LEGAL_HOLD } from '../twin/control.ts';
import { objectOf } from '../twin/fhir/elements.ts';
import type { Place, SourceRecord } from '../twin/ports.ts';
import { recordKey } from '../twin/subjects.ts';
import { because } from './consequences.ts';
import type { DeciderState } from './decider-state.ts';
import { factsOf } from './facts.ts';
import { dropNotes } from './forget-notes.ts';
import { takenByAnother } from './identity.ts';
import { tellPractitioners } from './practitioners.ts';
import { replacedBy, survivorOf } from './survivors.ts';

/** Whether a submitted record says that its member is forgotten, or may come again. */
export function saysForgotten({ type }: Pick<SourceRecord, 'type'>): boolean {
  return type === FORGOTTEN.type;
}

/** @throws Fault as `forgetMember`; NOT_FOUND where nobody of that id was forgotten */
export function decideForgotten(
  db: DatabaseSync,
  state: DeciderState,
  record: SourceRecord,
): Place {
  if (record.resource !== null) return forgetMember(db, state, record);
  const head = state.head(recordKey(record));
  if (head === undefined || state.latest(recordKey(record)) === undefined) {
    throw new Fault('NOT_FOUND', { detail: 'No such member was forgotten in this tenant.' });
  }
  return state.append(record, factsOf(record, undefined, head));
}

/**
 * Forgets a member, inside the decider's transaction: a tombstone for each live record of theirs, of
 * those whom they replaced, of the sessions about them, and of what practitioners were told of them;
 * everything that the decider noted beside the records goes; and the record that says so stands
 * last, so that nothing of them is taken in again. Again: no second effect.
 * @throws Fault CONFLICT under legal hold, or where another member holds the records now; NOT_FOUND
 */
function forgetMember(db: DatabaseSync, state: DeciderState, record: SourceRecord): Place {
  const { tenant, subject } = record;
  const key = recordKey(record);
  const known = state.head(key);
  if (known !== undefined && state.latest(key) !== undefined) return known.place;
  if (state.tenantOf(subject) !== tenant) throw new Fault('NOT_FOUND', { detail: UNKNOWN });
  const survivor = survivorOf(state, tenant, subject.id);
  if (survivor !== subject.id) {
    throw new Fault('CONFLICT', { detail: REPLACED, data: { survivor } });
  }
  if (state.latest(recordKey({ tenant, subject, ...LEGAL_HOLD })) !== undefined) {
    throw new Fault('CONFLICT', { detail: HELD, data: { reason: 'legal-hold' } });
  }
  const members = [subject.id, ...replacedBy(state, tenant, subject.id)];
  const own = members.flatMap((id) => state.keysOf({ kind: 'member', id }));
  requireReviewed(state, own);
  const sessions = sessionsAbout(db, tenant, new Set(members));
  dropNotes(db, { tenant, members });
  for (const one of [...own, ...sessions]) bury(state, record, one);
  const say = (id: string): Place => {
    const said = { ...record, subject: { kind: 'member', id }, names: {} } as const;
    return state.append(said, factsOf(said, undefined, state.head(recordKey(said))));
  };
  for (const id of members.slice(1)) say(id);
  return say(subject.id);
}

/** A review is of what somebody did, and is not escaped by letting go whom it was done to. */
function requireReviewed(state: DeciderState, keys: readonly string[]): void {
  const cases = keys
    .filter((key) => key.split('/').at(-2) === BREAK_GLASS)
    .flatMap((key) => state.latest(key) ?? []);
  if (!waitsForReview(cases)) return;
  throw new Fault('CONFLICT', { detail: UNREVIEWED, data: { reason: 'break-glass-review' } });
}

function bury(state: DeciderState, cause: SourceRecord, key: string): void {
  const latest = state.latest(key);
  if (latest === undefined) return;
  const { source } = cause.provenance;
  // Not even who sent it stays: a source may be a practice that says what somebody has.
  const provenance = { ...cause.provenance, source };
  const gone = { ...because(cause, latest), resource: null, names: {}, provenance };
  state.append(gone, factsOf(gone, undefined, state.head(key)));
  if (latest.type === 'Appointment') tellPractitioners(state, cause, gone);
}

function sessionsAbout(
  db: DatabaseSync,
  tenant: string,
  members: ReadonlySet<string>,
): readonly string[] {
  const rows = db
    .prepare(`SELECT heads.key, body FROM heads JOIN records USING (topic, part, offset)
      WHERE heads.subject GLOB 'session:*' AND heads.tenant = ? AND gone = 0`)
    .iterate(tenant);
  const found: string[] = [];
  for (const { key, body } of rows) {
    const { resource } = JSON.parse(String(body)) as SourceRecord;
    const { member, sources } = objectOf(resource);
    const uris = Array.isArray(sources) ? sources : [];
    const cited = uris.some((uri) => members.has(String(uri).split('/')[4] ?? ''));
    if (cited || (typeof member === 'string' && members.has(member))) found.push(String(key));
  }
  return found;
}

/** @throws Fault REFUSED_INPUT for a member who was forgotten, until an operator allows them again */
export function mustNotBeForgotten(state: DeciderState, tenant: string, member: string): void {
  const by = state.forgottenBy(member);
  if (by === undefined) return;
  if (by !== tenant) throw takenByAnother();
  throw new Fault('REFUSED_INPUT', {
    detail:
      'The member was forgotten, and nothing about them is taken: if they are a member again, ' +
      'allow it with `digital-twin forget --allow-again`.',
    data: { reason: 'forgotten-member' },
  });
}

const UNKNOWN = 'There is no such member in this tenant.';
const REPLACED =
  'The records of this member have moved to the one who replaced them: forget that one, and both are.';
const UNREVIEWED =
  'A break-glass case of the member waits for its review: nothing is forgotten before a privacy ' +
  'officer has reviewed it.';
const HELD = 'The member is under legal hold: nothing is forgotten until the hold is released.';
