import type { JsonObject } from '../../kernel/json.ts';
import { isProtected, RESTRICTED } from '../documents/sensitive.ts';
import type { ResourceJson } from '../ports.ts';
import { DIRECTORY_TYPES, kindOf, SUBJECT_ELEMENTS } from './compartment.ts';
import { displayName, objectOf, objectsOf, stringOf, valuesAt } from './elements.ts';
import { memberFinder } from './members.ts';
import type {
  AddressedBundle,
  AddressedRecord,
  BundleEntry,
  Home,
  KnownRecords,
} from './records.ts';
import { withOurReferences } from './references.ts';
import { type RewrittenBundle, type Target, type Targets, targetsOf } from './targets.ts';
import { referencesIn } from './walk.ts';

/**
 * Gives every entry its home and our ids: references resolved and rewritten, the member found
 * through the patient compartment, names of directory records copied in.
 * @throws Fault REFUSED_INPUT when a reference or a member cannot be resolved; whole or not at all.
 */
export function addressBundle(
  entries: readonly BundleEntry[],
  known: KnownRecords,
): AddressedBundle {
  const targets = targetsOf(entries, known);
  const resources = new Map<Target, ResourceJson>();
  for (const target of targets.all) {
    const { resource, index } = target.entry;
    if (resource === undefined) continue;
    const ours = withOurReferences(resource, index, targets, known);
    resources.set(target, { ...ours, resourceType: target.type, id: target.id });
  }
  const bundle = { targets, resources, known };
  const memberOf = memberFinder(bundle);
  const records: AddressedRecord[] = [];
  const ignored: Record<string, number> = {};
  for (const target of targets.all) {
    const home = homeOf(target, bundle, memberOf);
    if (home !== undefined) records.push(addressed(target, home, bundle));
    else ignored[target.type] = (ignored[target.type] ?? 0) + 1;
  }
  return { records, members: membersOf(targets), ignored };
}

/** Undefined for what no room uses, and for the deletion of what nobody knows. */
function homeOf(
  target: Target,
  { resources, known }: RewrittenBundle,
  memberOf: (target: Target) => string,
): Home | undefined {
  const resource = resources.get(target);
  if (resource === undefined) {
    if (!known.has(target.type, target.id)) return undefined;
    const member = known.memberOf(target.type, target.id);
    return member === undefined ? { kind: 'directory' } : ofMember(member);
  }
  const element = SUBJECT_ELEMENTS[target.type];
  const hasSubject = element !== undefined && valuesAt(resource, element).length > 0;
  const kind = kindOf(target.type, hasSubject);
  if (kind === 'ignored') return undefined;
  return kind === 'directory' ? { kind } : ofMember(memberOf(target));
}

function ofMember(id: string): Home {
  return { kind: 'subject', subject: { kind: 'member', id } };
}

function addressed(target: Target, home: Home, bundle: RewrittenBundle): AddressedRecord {
  const resource = bundle.resources.get(target);
  const { entry, type, id } = target;
  const base = { index: entry.index, home, operation: entry.operation, type, id };
  if (resource === undefined) return { ...base, resource: null, names: {} };
  const lastUpdatedMs = Date.parse(stringOf(objectOf(resource.meta).lastUpdated) ?? '');
  return {
    ...base,
    resource: withInheritedLabel(resource, bundle),
    names: namesIn(resource, bundle),
    ...(Number.isFinite(lastUpdatedMs) && { lastUpdatedMs }),
  };
}

function namesIn(
  resource: ResourceJson,
  { targets, resources, known }: RewrittenBundle,
): Record<string, string> {
  const names: Record<string, string> = {};
  for (const reference of referencesIn(resource)) {
    const target = targets.byOurs.get(reference);
    const inside = target === undefined ? undefined : resources.get(target);
    if (!DIRECTORY_TYPES.has(reference.split('/')[0] ?? '')) continue;
    const name = (inside && displayName(inside)) ?? known.nameOf(reference);
    if (name !== undefined) names[reference] = name;
  }
  return names;
}

/**
 * A projection sees no directory record but its name, so what refers to a protected one (a labelled
 * medication) takes over the label while both are at hand.
 */
function withInheritedLabel(
  resource: ResourceJson,
  { targets, resources }: RewrittenBundle,
): ResourceJson {
  const inherits = [...referencesIn(resource)].some((reference) => {
    const target = targets.byOurs.get(reference);
    const inside = target === undefined ? undefined : resources.get(target);
    return inside !== undefined && DIRECTORY_TYPES.has(inside.resourceType) && isProtected(inside);
  });
  if (!inherits || DIRECTORY_TYPES.has(resource.resourceType)) return resource;
  const meta: JsonObject = objectOf(resource.meta);
  return { ...resource, meta: { ...meta, security: [...objectsOf(meta.security), RESTRICTED] } };
}

function membersOf({ all }: Targets): { member: string; patient: string }[] {
  return all
    .filter(({ entry, type }) => type === 'Patient' && entry.operation === 'put')
    .map(({ id, entry }) => ({ member: id, patient: entry.id }));
}
