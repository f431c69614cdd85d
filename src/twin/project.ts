import { formatUri } from '../contract/uris.ts';
import type { JsonObject } from '../kernel/json.ts';
import { isControl } from './control.ts';
import { documentRows, factRow, minimalRows } from './documents/index-rows.ts';
import { MINIMAL_NOTICES, minimalOf } from './documents/minimal.ts';
import { PRACTITIONER_DOCUMENTS } from './documents/practitioner/index.ts';
import { practitionerRecords } from './documents/practitioner/records.ts';
import { type MemberRecord, recordSet } from './documents/records.ts';
import { MEMBER_DOCUMENTS, PROTECTED_NOTICE } from './documents/registry.ts';
import { type Remembered, rememberedBy } from './documents/remembered.ts';
import { sessionData } from './documents/session.ts';
import { reachedBy } from './documents/time.ts';
import { isAppActivity } from './fhir/activity.ts';
import { codeOf, dateOf, humanName, objectOf, objectsOf, stringOf } from './fhir/elements.ts';
import type { SourceRecord, Subject } from './ports.ts';
import type { Project, ProjectedDocument, Projection } from './projection.ts';

/** Part of every etag: a change of what is projected is a change of this number. */
export const PROJECTION_VERSION = 7;

const NOTHING: Projection = {
  documents: [],
  index: [],
  sensitive: new Set(),
  sections: new Map(),
};

/** One subject's records to its documents in both variants, its search rows and its sections. */
export const project: Project = (subject, records, memory) => {
  const present = records.filter(
    ({ type, resource }) => resource !== null && !isAppActivity(resource) && !isControl(type),
  );
  if (present.length === 0) return NOTHING;
  if (subject.kind === 'session') return projectSession(subject, present);
  if (subject.kind === 'practitioner') return projectPractitioner(subject, present);
  const remembered = rememberedBy(memory);
  const reached = reachedBy(records);
  remembered.tell(subject.id, present, reached);
  return projectMember(subject, remembered, reached);
};

function projectMember(
  subject: Subject,
  remembered: Remembered,
  reached: string | undefined,
): Projection {
  const { all, sensitive } = remembered;
  const open = all.filter(({ key }) => !sensitive.has(key));
  const full = recordSet(all, reached);
  const general = open.length === all.length ? full : recordSet(open, reached);
  const documents = MEMBER_DOCUMENTS.flatMap(({ section, title, data, minimal }) => {
    const uri = formatUri({ kind: 'section', member: subject.id, section });
    const base = { uri, section, title };
    const shown = remembered.data(`general ${section}`, general, data);
    const whole = () => remembered.data(`full ${section}`, full, data);
    const both: ProjectedDocument[] = [
      { ...base, variant: 'general', data: shown, notices: [PROTECTED_NOTICE] },
      { ...base, variant: 'full', data: general === full ? shown : whole(), notices: [] },
    ];
    if (minimal === undefined) return both;
    // Of the general variant: who needs little needs nothing that is specially protected.
    const least = minimalOf(shown, minimal);
    const narrow = { ...base, variant: 'minimal', data: least, notices: MINIMAL_NOTICES } as const;
    return [...both, narrow];
  });
  const rows = all.map((record) => {
    const hidden = sensitive.has(record.key);
    return factRow(record, hidden ? full : general, subject, hidden);
  });
  const person = personOf(open);
  return {
    documents,
    index: [...documentRows(subject), ...rows, ...minimalRows(subject, person)],
    sensitive,
    sections: new Map(all.map(({ key, section }) => [key, section])),
    ...(person !== undefined && { person }),
  };
}

/** How people find the member: by what everybody who may see the twin may see. */
function personOf(open: readonly MemberRecord[]): Projection['person'] {
  const patient = open.find(({ type }) => type === 'Patient');
  if (patient === undefined) return undefined;
  const { resource, id } = patient;
  const numbers = open
    .filter(({ type }) => type === 'Coverage' || type === 'Patient')
    .flatMap(({ resource: { identifier, subscriberId } }) => [
      stringOf(subscriberId) ?? [],
      memberNumbers(objectsOf(identifier)),
    ])
    .flat();
  return {
    patient: id,
    name: humanName(resource.name) ?? '',
    birthDate: dateOf(resource.birthDate) ?? '',
    numbers: [...new Set([...numbers, ...replacedIds(resource)])],
  };
}

/** Whoever asks for a member that was merged into this one finds this one. */
function replacedIds({ link }: JsonObject): string[] {
  return objectsOf(link)
    .filter(({ type }) => type === 'replaces')
    .flatMap(({ other }) => stringOf(objectOf(other).reference)?.replace(/^Patient\//, '') ?? []);
}

/** HL7 v2-0203: member, subscriber and plan numbers. */
function memberNumbers(identifiers: readonly JsonObject[]): string[] {
  return identifiers.flatMap(({ type, value }) =>
    ['MB', 'SN', 'UM'].includes(codeOf(type) ?? '') ? (stringOf(value) ?? []) : [],
  );
}

/** What the directory says of a practitioner protects nobody: one variant, no search rows. */
function projectPractitioner({ id }: Subject, present: readonly SourceRecord[]): Projection {
  const set = practitionerRecords(id, present);
  const documents = PRACTITIONER_DOCUMENTS.map(
    ({ section, title, data }): ProjectedDocument => ({
      uri: formatUri({ kind: 'practitioner', practitioner: id, section }),
      section,
      variant: 'general',
      title,
      data: data(set),
      notices: [],
    }),
  );
  return { ...NOTHING, documents };
}

/** A session is read by its owner alone and has no protected half: one document. */
function projectSession(subject: Subject, present: readonly SourceRecord[]): Projection {
  const record = present.find(({ type, id }) => type === 'Session' && id === subject.id);
  if (record === undefined) return NOTHING;
  return {
    ...NOTHING,
    sections: new Map([[`Session/${subject.id}`, 'session']]),
    documents: [
      {
        uri: formatUri({ kind: 'session', session: subject.id }),
        section: 'session',
        variant: 'general',
        title: 'Session',
        data: sessionData(record),
        notices: [],
      },
    ],
  };
}
