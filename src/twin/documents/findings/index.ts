import { codesOf, conceptText, dateOf, stringOf } from '../../fhir/elements.ts';
import type { Finding } from '../fact.ts';
import type { MemberRecord, RecordSet } from '../records.ts';
import { CARE } from './care.ts';
import { CLINICAL } from './clinical.ts';
import { FINANCIAL } from './financial.ts';
import { MEDICATIONS } from './medications.ts';
import { OBSERVATION } from './observation.ts';
import { PROFILE } from './profile.ts';
import type { Reading } from './reading.ts';

export { USES } from './financial.ts';

const READINGS: Readonly<Record<string, Reading>> = {
  ...PROFILE,
  ...CLINICAL,
  ...MEDICATIONS,
  Observation: OBSERVATION,
  ...CARE,
  ...FINANCIAL,
};

/** Documents and search ask for the same record; it is read once, from the first set that asks. */
const READ = new WeakMap<MemberRecord, Finding>();

/**
 * What a record says. Read the open records first: an open record refers to open ones only, so the
 * reading holds in the full set as well, and cannot name what is protected.
 */
export function findingOf(record: MemberRecord, set: RecordSet): Finding {
  const before = READ.get(record);
  if (before !== undefined) return before;
  const reading = Object.hasOwn(READINGS, record.type) ? READINGS[record.type] : undefined;
  const finding = reading?.(record, set) ?? plain(record);
  READ.set(record, finding);
  return finding;
}

/** A type without a reading of its own. */
function plain({ resource, type }: MemberRecord): Finding {
  const { code, type: kind, description, status, date, authored, authoredOn, created } = resource;
  return {
    title: conceptText(code) ?? conceptText(kind) ?? stringOf(description) ?? words(type),
    status: stringOf(status),
    date: dateOf(date) ?? dateOf(authored) ?? dateOf(authoredOn) ?? dateOf(created),
    codes: codesOf(code, kind),
  };
}

/** `MedicationRequest` as `Medication request`. */
export function words(type: string): string {
  const spaced = type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
