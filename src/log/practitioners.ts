import { objectOf, objectsOf, stringOf, valuesAt } from '../twin/fhir/elements.ts';
import { needOfIdentifier } from '../twin/fhir/references.ts';
import type { Place, ResourceJson, SourceRecord, Subject } from '../twin/ports.ts';
import { recordKey, subjectKey } from '../twin/subjects.ts';
import type { Cause } from './consequences.ts';
import { type DeciderState, type DirectoryRecord, directoryKey } from './decider-state.ts';
import { bounded, factsOf, withCopies } from './facts.ts';
import { identifiersOf } from './names.ts';

/** What a directory record leads to a practitioner by: element of references, by type. */
const ROUTES: Readonly<Record<string, string>> = {
  PractitionerRole: 'practitioner',
  Schedule: 'actor',
  Slot: 'schedule',
};

/** Records between a directory record and its practitioner at most. */
const HOPS_MAX = 3;

/** Of the directory, or a member's appointment. */
type Said = Pick<DirectoryRecord, 'tenant' | 'type' | 'id' | 'resource' | 'provenance'>;

/**
 * Says a record again with each practitioner whom it tells of, as their own record in twins.sources,
 * and withdraws it from those whom it tells of no longer. So a practitioner is a subject like a
 * member, whose documents are projected from their own records alone.
 */
export function tellPractitioners(state: DeciderState, cause: Cause, record: Said): Place[] {
  return [...tell(state, cause, record), ...tellFollowers(state, cause, record, 0)];
}

/** References by which a record that comes later finds those that lead through it. */
export function routesOf(resource: ResourceJson | null): string[] {
  if (resource === null || !Object.hasOwn(ROUTES, resource.resourceType)) return [];
  return objectsOf(resource[ROUTES[resource.resourceType] ?? '']).flatMap((one) => {
    const reference = stringOf(one.reference);
    if (reference !== undefined) return [`>${reference}`];
    const { system, value } = objectOf(one.identifier);
    const given = stringOf(value);
    return given === undefined
      ? []
      : [`>${needOfIdentifier('Practitioner', stringOf(system) ?? '', given)}`];
  });
}

function tell(state: DeciderState, cause: Cause, record: Said): Place[] {
  const { tenant, type, id, resource } = record;
  const told = resource === null ? [] : practitionersOf(state, tenant, resource, 0);
  const subjects = [...new Set(told)]
    .map((practitioner): Subject => ({ kind: 'practitioner', id: practitioner }))
    // A practitioner belongs to the tenant that named them first, like every subject.
    .filter((subject) => (state.tenantOf(subject) ?? tenant) === tenant);
  const keys = new Set(subjects.map(subjectKey));
  const before = state.practitionersWith(tenant, type, id);
  const left = before.filter((subject) => !keys.has(subjectKey(subject)));
  const { recorded } = cause.provenance;
  const provenance = { ...record.provenance, recorded };
  const base = { tenant, type, id, names: {}, provenance, eventId: cause.eventId };
  const shown = resource === null ? null : shownOf(resource);
  return [
    ...left.flatMap((subject) => put(state, { ...base, subject, resource: null }, resource)),
    ...subjects.flatMap((subject) => put(state, { ...base, subject, resource: shown }, resource)),
  ];
}

/** Identifiers are those of the record itself, wherever it is said again. */
function put(state: DeciderState, record: SourceRecord, own: ResourceJson | null): Place[] {
  const whole = withCopies(state, record);
  const head = state.head(recordKey(whole));
  const facts = { ...factsOf(whole, undefined, head), identifiers: identifiersOf(own) };
  return facts.hash === head?.hash ? [] : [state.append(bounded(whole), facts)];
}

/** What led through a record is told again once it is there, or has changed. */
function tellFollowers(state: DeciderState, cause: Cause, record: Said, hops: number): Place[] {
  const { tenant, type, id, resource } = record;
  if (hops > HOPS_MAX) return [];
  const names = [
    `>${type}/${id}`,
    ...identifiersOf(resource).map((one) => `>${needOfIdentifier(type, one.system, one.value)}`),
  ];
  const followers = new Set(names.flatMap((name) => state.mentioning(tenant, name)));
  return [...followers].flatMap((key) => {
    const follower = state.latest(key);
    if (follower === undefined) return [];
    const told = tell(state, cause, follower);
    return told.length === 0 ? [] : [...told, ...tellFollowers(state, cause, follower, hops + 1)];
  });
}

function practitionersOf(
  state: DeciderState,
  tenant: string,
  resource: ResourceJson,
  hops: number,
): string[] {
  const { resourceType: type, id } = resource;
  if (type === 'Practitioner') return typeof id === 'string' ? [id] : [];
  const references =
    type === 'Appointment'
      ? valuesAt(resource, 'participant.actor').map((one) => stringOf(one.reference) ?? '')
      : routesOf(resource).map((route) => resolved(state, tenant, route.slice(1)));
  return references.flatMap((reference) => {
    const [next = '', target = ''] = reference.split('/');
    if (next === 'Practitioner' && target !== '') return [target];
    if (!Object.hasOwn(ROUTES, next) || hops > HOPS_MAX) return [];
    const found = state.latest(directoryKey({ tenant, type: next, id: target }))?.resource;
    return found ? practitionersOf(state, tenant, found, hops + 1) : [];
  });
}

/** `Practitioner?identifier=…` as the one record that carries it. */
function resolved(state: DeciderState, tenant: string, reference: string): string {
  const [, system, value] = /^Practitioner\?identifier=([^|]*)\|(.*)$/.exec(reference) ?? [];
  if (system === undefined || value === undefined) return reference;
  const [only, ...others] = state.identified(tenant, 'Practitioner', { system, value });
  return only === undefined || others.length > 0 ? '' : `Practitioner/${only}`;
}

/** Of a member's appointment only when, where and whether: never with whom, nor what for. */
function shownOf(resource: ResourceJson): ResourceJson {
  if (resource.resourceType !== 'Appointment') return resource;
  const { resourceType, id, status, start, end } = resource;
  const participant = objectsOf(resource.participant).flatMap(({ actor }) => {
    const reference = stringOf(objectOf(actor).reference) ?? '';
    return /^(Practitioner|Location)\//.test(reference) ? [{ actor: { reference } }] : [];
  });
  return JSON.parse(
    JSON.stringify({ resourceType, id, status, start, end, participant }),
  ) as ResourceJson;
}
