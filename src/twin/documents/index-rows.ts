import { formatUri } from '../../contract/uris.ts';
import type { JsonObject } from '../../kernel/json.ts';
import {
  codeOf,
  compact,
  type Element,
  isGiven,
  objectOf,
  objectsOf,
  stringOf,
} from '../fhir/elements.ts';
import type { IndexRow, Subject } from '../ports.ts';
import type { Projection } from '../projection.ts';
import { attachmentTexts } from './attachments.ts';
import { findingOf, words } from './findings/index.ts';
import type { MemberRecord, RecordSet } from './records.ts';
import { MEMBER_DOCUMENTS } from './registry.ts';

/** Characters of a note that can be searched. */
const NOTE_CHARS_MAX = 4_000;

/** Words that people use for a kind of record. */
const KINDS: Readonly<Record<string, string>> = {
  AllergyIntolerance: 'Allergy',
  Condition: 'Condition, diagnosis',
  Coverage: 'Coverage, insurance plan',
  DocumentReference: 'Document, note',
  Encounter: 'Visit, encounter',
  ExplanationOfBenefit: 'Claim, explanation of benefit',
  Immunization: 'Immunization, vaccine',
  MedicationAdministration: 'Medication given',
  MedicationDispense: 'Medication dispensed',
  MedicationRequest: 'Medication, prescription',
  MedicationStatement: 'Medication taken',
};

const ROWS = new WeakMap<MemberRecord, IndexRow>();

/** One row a fact, as it was made first; the Patient is the one row of kind `member`. */
export function factRow(
  record: MemberRecord,
  set: RecordSet,
  subject: Subject,
  sensitive: boolean,
): IndexRow {
  const before = ROWS.get(record);
  if (before !== undefined) return before;
  const row = newRow(record, set, subject, sensitive);
  ROWS.set(record, row);
  return row;
}

function newRow(
  record: MemberRecord,
  set: RecordSet,
  subject: Subject,
  sensitive: boolean,
): IndexRow {
  const { type, section, resource } = record;
  const { title, status, date, codes, details } = findingOf(record, set);
  const member = type === 'Patient';
  const told = Object.entries({ status, ...details }).flatMap(([key, value]) => {
    const text = textOf(value);
    return text === '' ? [] : [key === 'value' ? text : `${words(key).toLowerCase()}: ${text}`];
  });
  const note = type === 'DocumentReference' ? attachmentTexts(resource).join(' ') : '';
  const text = [kindOf(record), ...told, note.slice(0, NOTE_CHARS_MAX)];
  return {
    uri: member ? formatUri({ kind: 'section', member: subject.id, section }) : record.uri,
    subject,
    section,
    type,
    sensitive,
    kind: member ? 'member' : 'fact',
    title,
    text: text.filter((part) => part !== '').join('; '),
    codes: (codes ?? []).map((code) => code.slice(code.lastIndexOf(' ') + 1)).join(' '),
    date: date ?? '',
    data: compact({ at: instantOf(resource), status, ...details }) ?? {},
  };
}

/** One row a section document. */
export function documentRows(subject: Subject): IndexRow[] {
  return MEMBER_DOCUMENTS.map(({ section, title, describes }) => ({
    uri: formatUri({ kind: 'section', member: subject.id, section }),
    subject,
    section,
    type: 'Document',
    sensitive: false,
    kind: 'document',
    title,
    text: describes,
    codes: '',
    date: '',
    data: {},
  }));
}

/** What search finds of sections in their minimal form: who it is, and that there is a document. */
export function minimalRows(subject: Subject, person: Projection['person']): IndexRow[] {
  const sections = MEMBER_DOCUMENTS.filter(({ minimal }) => minimal !== undefined);
  const named = new Set(sections.map(({ section }) => section));
  const documents = documentRows(subject).filter(({ section }) => named.has(section));
  const [profile] = documents.filter(({ section }) => section === 'profile');
  const rows = documents.map((row): IndexRow => ({ ...row, minimal: true }));
  if (person === undefined || profile === undefined) return rows;
  const { name, birthDate, numbers } = person;
  const text = ['Member', `birth date: ${birthDate}`, ...numbers.map((one) => `number: ${one}`)];
  const row = { title: name, text: text.join('; '), data: compact({ birthDate }) ?? {} };
  return [...rows, { ...profile, ...row, type: 'Patient', kind: 'member', minimal: true }];
}

/** Where a record says when it was, to the second: facts of one day have an order too. */
const INSTANTS = [
  ...['effectiveDateTime', 'effectivePeriod', 'performedDateTime', 'performedPeriod'],
  ...['occurrenceDateTime', 'period', 'started', 'authoredOn', 'onsetDateTime', 'onsetPeriod'],
  ...['billablePeriod', 'start', 'date', 'created', 'issued', 'recordedDate'],
];

function instantOf(resource: JsonObject): string | undefined {
  return INSTANTS.map(
    (name) => stringOf(resource[name]) ?? stringOf(objectOf(resource[name]).start),
  )
    .filter(isGiven)
    .at(0);
}

function kindOf({ type, resource }: MemberRecord): string {
  if (type === 'Patient') return 'Member';
  if (type !== 'Observation') return KINDS[type] ?? words(type);
  const categories = objectsOf(resource.category).map(codeOf);
  if (categories.includes('laboratory')) return 'Lab result';
  return categories.includes('vital-signs') ? 'Vital sign' : 'Observation';
}

function textOf(value: Element): string {
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  const { start, end }: JsonObject = objectOf(value);
  if (start !== undefined || end !== undefined) return `${textOf(start)}–${textOf(end)}`;
  return stringOf(value) ?? '';
}
