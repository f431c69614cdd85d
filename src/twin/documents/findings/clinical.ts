import {
  codeOf,
  codesOf,
  conceptText,
  conceptTexts,
  dateOf,
  type Element,
  isGiven,
  objectOf,
  objectsOf,
  quantityText,
  stringOf,
  stringsOf,
  unique,
  valuesAt,
} from '../../fhir/elements.ts';
import { noteTexts } from '../attachments.ts';
import type { MemberRecord, RecordSet } from '../records.ts';
import type { Reading } from './reading.ts';

/** Names of what a path of references points to. */
export function namesAt(record: MemberRecord, set: RecordSet, path: string): string[] {
  const references = valuesAt(record.resource, path);
  return unique(references.map((one) => set.nameOf(one, record)).filter(isGiven));
}

export function joined(texts: readonly string[]): string | undefined {
  return texts.length === 0 ? undefined : texts.join(', ');
}

/** Reasons by code or by reference. */
export function reasons(record: MemberRecord, set: RecordSet): string | undefined {
  const named = namesAt(record, set, 'reasonReference');
  return joined(unique([...conceptTexts(record.resource.reasonCode), ...named]));
}

export function noteOf(record: MemberRecord): string | undefined {
  return stringOf(noteTexts(record.resource).join(' '));
}

export const CLINICAL: Readonly<Record<string, Reading>> = {
  Condition: (record, set) => {
    const { resource } = record;
    const verification = codeOf(resource.verificationStatus);
    const onset = dateOf(resource.onsetDateTime) ?? dateOf(objectOf(resource.onsetPeriod).start);
    return {
      title: conceptText(resource.code) ?? 'Condition',
      status: codeOf(resource.clinicalStatus) ?? verification,
      date: onset ?? dateOf(resource.recordedDate),
      details: {
        severity: conceptText(resource.severity),
        verification: verification === 'confirmed' ? undefined : verification,
        resolved: dateOf(resource.abatementDateTime),
        recordedBy: joined(namesAt(record, set, 'recorder')),
        note: noteOf(record),
      },
      codes: codesOf(resource.code),
    };
  },
  AllergyIntolerance: (record) => {
    const { resource } = record;
    const reactions = valuesAt(resource, 'reaction');
    return {
      title: conceptText(resource.code) ?? 'Allergy or intolerance',
      status: codeOf(resource.clinicalStatus),
      date: dateOf(resource.onsetDateTime) ?? dateOf(resource.recordedDate),
      details: {
        kind: joined([...stringsOf([resource.type ?? null]), ...stringsOf(resource.category)]),
        criticality: stringOf(resource.criticality),
        reaction: joined(unique(reactions.flatMap((one) => conceptTexts(one.manifestation)))),
        severity: joined(unique(reactions.map((one) => stringOf(one.severity)).filter(isGiven))),
        note: noteOf(record),
      },
      codes: codesOf(resource.code),
    };
  },
  Immunization: (record, set) => {
    const { resource } = record;
    return {
      title: conceptText(resource.vaccineCode) ?? 'Immunization',
      status: stringOf(resource.status),
      date: dateOf(resource.occurrenceDateTime),
      details: {
        dose: quantityText(resource.doseQuantity),
        lot: stringOf(resource.lotNumber),
        where: joined(namesAt(record, set, 'location')),
        who: joined(namesAt(record, set, 'performer.actor')),
        note: noteOf(record),
      },
      codes: codesOf(resource.vaccineCode),
    };
  },
  Procedure: (record, set) => {
    const { resource } = record;
    const period = objectOf(resource.performedPeriod);
    return {
      title: conceptText(resource.code) ?? 'Procedure',
      status: stringOf(resource.status),
      date: dateOf(resource.performedDateTime) ?? dateOf(period.start),
      details: {
        reason: reasons(record, set),
        outcome: conceptText(resource.outcome),
        where: joined(namesAt(record, set, 'location')),
        who: joined(namesAt(record, set, 'performer.actor')),
        note: noteOf(record),
      },
      codes: codesOf(resource.code),
    };
  },
  Encounter: (record, set) => {
    const { resource } = record;
    const { start, end } = objectOf(resource.period);
    const ended = dateOf(end);
    return {
      title: joined(conceptTexts(resource.type)) ?? 'Visit',
      status: stringOf(resource.status),
      date: dateOf(start),
      details: {
        class: classText(resource.class),
        ended: ended === dateOf(start) ? undefined : ended,
        reason: reasons(record, set),
        who: joined(namesAt(record, set, 'participant.individual')),
        where: joined(
          unique([
            ...namesAt(record, set, 'location.location'),
            ...namesAt(record, set, 'serviceProvider'),
          ]),
        ),
      },
      codes: codesOf(resource.type),
    };
  },
  DiagnosticReport: (record, set) => {
    const { resource } = record;
    return {
      title: conceptText(resource.code) ?? 'Report',
      status: stringOf(resource.status),
      date: dateOf(resource.effectiveDateTime) ?? dateOf(resource.issued),
      details: {
        conclusion: stringOf(resource.conclusion),
        results: joined(namesAt(record, set, 'result')),
        who: joined(namesAt(record, set, 'performer')),
      },
      codes: codesOf(resource.code),
    };
  },
  DocumentReference: (record, set) => {
    const { resource } = record;
    const [attachment] = valuesAt(resource, 'content.attachment');
    return {
      title: stringOf(attachment?.title) ?? conceptText(resource.type) ?? 'Document',
      status: stringOf(resource.status),
      date: dateOf(resource.date),
      details: {
        description: stringOf(resource.description),
        format: stringOf(attachment?.contentType)?.split(';')[0],
        who: joined(namesAt(record, set, 'author')),
        where: joined(namesAt(record, set, 'custodian')),
      },
      codes: codesOf(resource.type),
    };
  },
  ImagingStudy: (record, set) => {
    const { resource } = record;
    const series = objectsOf(resource.series);
    return {
      title: joined(conceptTexts(resource.procedureCode)) ?? 'Imaging study',
      status: stringOf(resource.status),
      date: dateOf(resource.started),
      details: {
        modality: joined(unique(series.map((one) => conceptText(one.modality)).filter(isGiven))),
        bodySite: joined(unique(series.map((one) => conceptText(one.bodySite)).filter(isGiven))),
        where: joined(namesAt(record, set, 'location')),
      },
      codes: codesOf(resource.procedureCode),
    };
  },
  Device: (record) => {
    const { resource } = record;
    const [name] = objectsOf(resource.deviceName);
    return {
      title: stringOf(name?.name) ?? conceptText(resource.type) ?? 'Device',
      status: stringOf(resource.status),
      date: dateOf(resource.manufactureDate),
      details: {
        maker: stringOf(resource.manufacturer),
        expires: dateOf(resource.expirationDate),
      },
      codes: codesOf(resource.type),
    };
  },
  SupplyDelivery: (record, set) => {
    const { resource } = record;
    const { itemCodeableConcept: item, quantity } = objectOf(resource.suppliedItem);
    const period = objectOf(resource.occurrencePeriod);
    return {
      title: conceptText(item) ?? conceptText(resource.type) ?? 'Supply',
      status: stringOf(resource.status),
      date: dateOf(resource.occurrenceDateTime) ?? dateOf(period.start),
      details: {
        quantity: quantityText(quantity),
        who: joined(namesAt(record, set, 'supplier')),
      },
      codes: codesOf(item),
    };
  },
  FamilyMemberHistory: (record) => {
    const { resource } = record;
    const conditions = objectsOf(resource.condition);
    return {
      title: conceptText(resource.relationship) ?? 'Family member',
      status: stringOf(resource.status),
      date: dateOf(resource.date),
      details: {
        conditions: joined(conditions.map((one) => conceptText(one.code)).filter(isGiven)),
      },
      codes: codesOf(...conditions.map((one) => one.code)),
    };
  },
};

const CLASSES: Readonly<Record<string, string>> = {
  AMB: 'ambulatory',
  EMER: 'emergency',
  IMP: 'inpatient',
  HH: 'home health',
  VR: 'virtual',
};

function classText(value: Element): string | undefined {
  const { display, code } = objectOf(value);
  return stringOf(display) ?? CLASSES[stringOf(code) ?? ''] ?? stringOf(code);
}
