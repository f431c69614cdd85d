import { dateOf } from '../fhir/elements.ts';
import { findingOf } from './findings/index.ts';
import type { RecordSet } from './records.ts';

/**
 * Records of what has happened. What is planned (appointments, due dates, ends of plans) may lie
 * ahead of every record, and when a source touched a record says nothing of the person.
 */
const EVENTS = [
  'Claim',
  'Condition',
  'CoverageEligibilityResponse',
  'DetectedIssue',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'ExplanationOfBenefit',
  'Immunization',
  'MedicationRequest',
  'Observation',
  'Procedure',
];

/** The newest clinical date of a member's records: what "the last 12 months" are counted from. */
export function newestDate(set: RecordSet): string | undefined {
  return set
    .of(...EVENTS)
    .map((record) => dateOf(findingOf(record, set).date))
    .reduce((newest, date) => ((date ?? '') > (newest ?? '') ? date : newest), undefined);
}

/** The day `months` before a date, as `YYYY-MM-DD`; a date of a year or month counts as its first. */
export function monthsBefore(date: string, months: number): string {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  const count = year * 12 + (month - 1) - months;
  const first = new Date(Date.UTC(Math.floor(count / 12), count % 12, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  first.setUTCDate(Math.min(day, last));
  return first.toISOString().slice(0, 10);
}
