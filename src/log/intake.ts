import type { BundleEntry, Unit } from '../twin/fhir/records.ts';
import { Refusal, refused } from '../twin/fhir/refusal.ts';
import type { BundleSubmission, EntryOutcome, IntakeReceipt } from '../twin/ports.ts';
import { apart, decideBundle, type Said, together } from './decider.ts';
import { etagsOf, type IntakeParts, knownOf } from './intake-parts.ts';
import { addTally, countRefusal, countVerdict, newTally, receiptOf, type Tally } from './tally.ts';
import { holdHomeless, wake } from './wake.ts';

/**
 * From a submission to accepted, waiting and refused records, inside one transaction.
 * @param at now, in ms
 * @throws Refusal where a transaction, or a resource on its own, is refused
 */
export function takeIn(parts: IntakeParts, given: BundleSubmission, at: number): IntakeReceipt {
  const { tenant, source, actor, eventId, json, format } = given;
  const provenance = { source, actor, recorded: new Date(at).toISOString() };
  const by: Said = { tenant, eventId, provenance, etagsOf: etagsOf(parts) };
  const { alone, units } = parts.reader.readSubmission(json, format);
  const total = newTally();
  for (const unit of units) {
    const tally = unit.whole ? whole(parts, by, unit, alone) : each(parts, by, unit, at);
    if (!parts.room.isEmpty(tenant)) parts.room.arrived(tenant, tally.arrived);
    addTally(total, tally);
  }
  const refusals = total.entries.filter(({ outcome }) => outcome === 'refused');
  if (alone && refusals[0] !== undefined) throw ofAll(refusals[0]);
  parts.refusals.keep(by, at, refusals);
  wake(parts, at, { total, by });
  return receiptOf(total);
}

/** Of a resource on its own. */
function ofAll({ entry, type, path = '', reason = '', says = '' }: EntryOutcome): Refusal {
  return refused({ at: { index: entry }, type, path, reason, says });
}

/** A transaction: where one of several is refused, nothing of it is left. */
function whole(parts: IntakeParts, by: Said, { entries }: Unit, alone: boolean): Tally {
  const { state, reader } = parts;
  try {
    return state.attempt(() => {
      const tally = newTally();
      decideBundle(state, by, reader.addressBundle(entries, knownOf(parts, by)), tally, together);
      withdraw(parts, by, entries);
      return tally;
    });
  } catch (error) {
    if (alone || !(error instanceof Refusal)) throw error;
    const tally = newTally();
    countRefusal(tally, error);
    return tally;
  }
}

function each(parts: IntakeParts, by: Said, unit: Unit, at: number): Tally {
  const { state, reader } = parts;
  const tally = newTally();
  const { addressed, homeless } = reader.addressEach(unit.entries, knownOf(parts, by));
  decideBundle(state, by, addressed, tally, apart(state));
  withdraw(parts, by, unit.entries);
  for (const entry of unit.superseded) countVerdict(tally, entry, 'stale');
  for (const refusal of unit.refusals) countRefusal(tally, refusal);
  for (const one of homeless) holdHomeless(parts, by, one, at, tally);
  return tally;
}

/** A version that waits is of no use once this one, or its deletion, is newer. */
function withdraw({ room }: IntakeParts, by: Said, entries: readonly BundleEntry[]): void {
  if (room.isEmpty(by.tenant)) return;
  for (const entry of entries) room.withdraw(by.tenant, by.provenance.source, entry);
}
