import type { ResourceJson } from '../ports.ts';
import { DIRECTORY_TYPES, kindOf, SUBJECT_ELEMENTS } from './compartment.ts';
import { displayName, valuesAt } from './elements.ts';
import { memberFinder } from './members.ts';
import type {
  AddressedBundle,
  AddressedRecord,
  BundleEntry,
  Home,
  Homeless,
  KnownRecords,
} from './records.ts';
import { standingAlone, withOurReferences } from './references.ts';
import type { Refusal } from './refusal.ts';
import {
  type OnRefusal,
  orRefusal,
  type RewrittenBundle,
  type Target,
  targetsOf,
} from './targets.ts';
import { referencesIn } from './walk.ts';

/**
 * Gives every entry its home and our ids: references resolved and rewritten, the member found
 * through the patient compartment, names of directory records copied in.
 * @throws Refusal when a reference or a member cannot be resolved; whole or not at all.
 */
export function addressBundle(
  entries: readonly BundleEntry[],
  known: KnownRecords,
): AddressedBundle {
  return address(entries, known, (refusal) => {
    throw refusal;
  }).addressed;
}

/** The same for entries that stand by themselves, though they may refer to each other. */
export function addressEach(
  entries: readonly BundleEntry[],
  known: KnownRecords,
): { readonly addressed: AddressedBundle; readonly homeless: readonly Homeless[] } {
  const refusals: [Refusal, BundleEntry][] = [];
  const onRefusal: OnRefusal = (refusal, entry) => refusals.push([refusal, entry]);
  const { addressed, targets } = address(entries, known, onRefusal);
  const homeless = refusals.map(([refusal, entry]) => {
    return { refusal, entry: standingAlone(entry, targets) };
  });
  return { addressed, homeless };
}

function address(entries: readonly BundleEntry[], known: KnownRecords, onRefusal: OnRefusal) {
  const targets = targetsOf(entries, known, onRefusal);
  const resources = new Map<Target, ResourceJson>();
  const bundle = { targets, resources, known };
  const lost = new Set<Target>();
  for (const target of targets.all) {
    const { entry, type, id, exists } = target;
    const { resource } = entry;
    if (resource === undefined || exists || isIgnored(target)) continue;
    const ours = orRefusal(onRefusal, entry, () =>
      withOurReferences(resource, entry, targets, known),
    );
    if (ours === undefined) lost.add(target);
    else resources.set(target, { ...ours, resourceType: type, id });
  }
  const memberOf = memberFinder(bundle);
  const records: AddressedRecord[] = [];
  const unknown: { entry: BundleEntry; id: string }[] = [];
  for (const target of targets.all) {
    if (target.exists || lost.has(target) || isIgnored(target)) continue;
    const { entry, id } = target;
    const home = orRefusal(onRefusal, entry, () => homeOf(target, bundle, memberOf));
    if (home === 'unknown') unknown.push({ entry, id });
    else if (home !== undefined) records.push(addressedRecord(target, home, bundle));
  }
  const ignored: Record<string, number> = {};
  for (const { type } of targets.all.filter(isIgnored)) ignored[type] = (ignored[type] ?? 0) + 1;
  const existing = targets.all.filter(({ exists }) => exists).map(({ entry }) => entry);
  const addressed = { records, members: membersOf(records), existing, unknown, ignored };
  return { addressed, targets };
}

/** A kind that no room uses: neither refused for where it leads, nor waited for. */
function isIgnored({ type, entry }: Target): boolean {
  return entry.operation === 'put' && kindOf(type, true) === 'ignored';
}

/** `unknown`: the deletion of what nobody knows. */
function homeOf(
  target: Target,
  { resources, known }: RewrittenBundle,
  memberOf: (target: Target) => string,
): Home | 'unknown' {
  const resource = resources.get(target);
  if (resource === undefined) {
    if (!known.has(target.type, target.id)) return 'unknown';
    const member = known.memberOf(target.type, target.id);
    return member === undefined ? { kind: 'directory' } : ofMember(member);
  }
  const element = SUBJECT_ELEMENTS[target.type];
  const hasSubject = element !== undefined && valuesAt(resource, element).length > 0;
  const kind = kindOf(target.type, hasSubject);
  return kind === 'directory' ? { kind } : ofMember(memberOf(target));
}

function ofMember(id: string): Home {
  return { kind: 'subject', subject: { kind: 'member', id } };
}

function addressedRecord(target: Target, home: Home, bundle: RewrittenBundle): AddressedRecord {
  const resource = bundle.resources.get(target) ?? null;
  const { entry, type, id } = target;
  const names = resource === null ? {} : namesIn(resource, bundle);
  return { entry, home, operation: entry.operation, type, id, resource, names };
}

function namesIn(
  resource: ResourceJson,
  { targets, resources, known }: RewrittenBundle,
): Record<string, string> {
  const names: Record<string, string> = {};
  for (const reference of referencesIn(resource)) {
    if (!DIRECTORY_TYPES.has(reference.split('/')[0] ?? '')) continue;
    const target = targets.byOurs.get(reference);
    const inside = target === undefined ? undefined : resources.get(target);
    const name = (inside && displayName(inside)) ?? known.nameOf(reference);
    if (name !== undefined) names[reference] = name;
  }
  return names;
}

function membersOf(records: readonly AddressedRecord[]): { member: string; patient: string }[] {
  return records
    .filter(({ type, operation }) => type === 'Patient' && operation === 'put')
    .map(({ id, entry }) => ({ member: id, patient: entry.id }));
}
