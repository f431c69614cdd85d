import type { JsonObject } from '../../kernel/json.ts';
import { codeOf, codesOf, conceptText, dateOf, objectOf, stringOf } from '../fhir/elements.ts';
import { contradiction, type Saying } from './contradictions.ts';
import { findingOf } from './findings/index.ts';
import type { MemberRecord, RecordSet } from './records.ts';

const IN_FORCE = new Set(['active', 'recurrence', 'relapse']);
const WRONG = new Set(['entered-in-error', 'refuted']);

/** What the clinical record says in two ways: of one condition, and of allergies at all. */
export function clinicalContradictions(set: RecordSet): JsonObject[] {
  const conditions = set.of('Condition').filter(isMeant);
  return [
    ...conditions.flatMap((record) => endedButActive(record, set)),
    ...severalStates(conditions, set),
    ...allergyAndNone(set.of('AllergyIntolerance').filter(isMeant), set),
  ];
}

function isMeant({ resource }: MemberRecord): boolean {
  return !WRONG.has(codeOf(resource.verificationStatus) ?? '');
}

function endedButActive(record: MemberRecord, set: RecordSet): JsonObject[] {
  const { clinicalStatus, abatementDateTime } = record.resource;
  const ended = dateOf(abatementDateTime);
  const status = codeOf(clinicalStatus);
  if (ended === undefined || !IN_FORCE.has(status ?? '')) return [];
  return [
    contradiction(`${findingOf(record, set).title}: active, and ended`, [
      { record, says: `clinical status ${status}` },
      { record, says: `ended ${ended}`, date: ended },
    ]),
  ];
}

/**
 * Entries of one condition whose times overlap, of which one at least is in force: the same thing
 * twice, or in two states. Episodes one after the other contradict nothing.
 */
function severalStates(conditions: readonly MemberRecord[], set: RecordSet): JsonObject[] {
  const kinds = Map.groupBy(conditions, ({ resource }) => kindOf(resource));
  return [...kinds].flatMap(([kind, entries]) => {
    const active = entries.find(({ resource }) =>
      IN_FORCE.has(codeOf(resource.clinicalStatus) ?? ''),
    );
    if (kind === '' || active === undefined) return [];
    const others = entries.filter((one) => one !== active && overlap(one, active, set));
    if (others.length === 0) return [];
    const sayings = [active, ...others].map((record): Saying => {
      const { title, status, date } = findingOf(record, set);
      return { record, says: title, status, date };
    });
    return [contradiction(`${findingOf(active, set).title}: several entries`, sayings)];
  });
}

/** The same code, or the same words where there is none. */
function kindOf({ code }: JsonObject): string {
  return codesOf(code)[0] ?? conceptText(code)?.toLowerCase() ?? '';
}

function overlap(a: MemberRecord, b: MemberRecord, set: RecordSet): boolean {
  return !before(a, b, set) && !before(b, a, set);
}

/** Whether one ended before, or as, the other began; an entry without an end goes on. */
function before(a: MemberRecord, b: MemberRecord, set: RecordSet): boolean {
  const ended =
    dateOf(a.resource.abatementDateTime) ?? dateOf(objectOf(a.resource.abatementPeriod).end);
  const began = findingOf(b, set).date;
  return ended !== undefined && began !== undefined && ended <= began;
}

/** SNOMED CT: no known allergy, of any kind, of a drug, of a food, of the environment. */
const NONE_KNOWN = new Set(['716186003', '409137002', '429625007', '428607008']);

function allergyAndNone(allergies: readonly MemberRecord[], set: RecordSet): JsonObject[] {
  const active = allergies.filter(({ resource }) => {
    const status = codeOf(resource.clinicalStatus);
    return status === undefined || IN_FORCE.has(status);
  });
  const isNone = ({ resource }: MemberRecord) => NONE_KNOWN.has(codeOf(resource.code) ?? '');
  const none = active.find(isNone);
  const some = active.filter((one) => !isNone(one));
  if (none === undefined || some.length === 0) return [];
  const sayings = [none, ...some].map((record): Saying => {
    const { title, status, date } = findingOf(record, set);
    return { record, says: title, status: stringOf(status), date };
  });
  return [contradiction('allergies: none known, and some recorded', sayings)];
}
