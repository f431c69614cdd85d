import type { ResourceJson } from '../ports.ts';
import { kindOf, SUBJECT_ELEMENTS, SUBJECT_ROUTES } from './compartment.ts';
import { stringOf, valuesAt } from './elements.ts';
import { refused } from './refusal.ts';
import type { RewrittenBundle, Target } from './targets.ts';

/** Records between a record and its member at most. */
const HOPS_MAX = 16;

/**
 * Finds the member of a record: through its subject, through the record that its subject is (a
 * relative, an encounter), else through the record that it belongs to.
 * @throws Fault REFUSED_INPUT when there is none, or more than one.
 */
export function memberFinder(bundle: RewrittenBundle): (target: Target) => string {
  const found = new Map<Target, ReadonlySet<string>>();
  const membersOf = (target: Target, hops: number): ReadonlySet<string> => {
    const before = found.get(target);
    if (before !== undefined || hops > HOPS_MAX) return before ?? new Set();
    // A cycle of records that name each other ends here, with no member.
    found.set(target, new Set());
    const members = compute(target, hops);
    found.set(target, members);
    return members;
  };
  const compute = (target: Target, hops: number): ReadonlySet<string> => {
    const resource = bundle.resources.get(target);
    if (target.type === 'Patient') return new Set([target.id]);
    if (resource === undefined) return new Set();
    const element = SUBJECT_ELEMENTS[target.type];
    for (const path of element === undefined ? SUBJECT_ROUTES : [element, ...SUBJECT_ROUTES]) {
      const members = valuesAt(resource, path)
        .map(({ reference }) => stringOf(reference) ?? '')
        .flatMap((reference) => [...membersAt(reference, hops)]);
      if (members.length > 0) return new Set(members);
    }
    return new Set();
  };
  const membersAt = (reference: string, hops: number): ReadonlySet<string> => {
    const inside = bundle.targets.byOurs.get(reference);
    if (inside !== undefined) return membersOf(inside, hops + 1);
    const [type = '', id = ''] = reference.split('/');
    const member = id === '' ? undefined : bundle.known.memberOf(type, id);
    return new Set(member === undefined ? [] : [member]);
  };
  return (target) => only(membersOf(target, 0), target, bundle.resources.get(target));
}

function only(
  members: ReadonlySet<string>,
  { entry, type }: Target,
  resource: ResourceJson | undefined,
): string {
  const [member, ...others] = members;
  const path = `resource.${SUBJECT_ELEMENTS[type] ?? 'subject'}`;
  if (member === undefined) {
    throw refused({
      at: entry,
      type,
      path,
      reason: 'no-member',
      says: 'It leads to no known member: import the file that holds the Patient first.',
      needs: waysToMember(type, resource),
    });
  }
  if (others.length === 0) return member;
  throw refused({
    at: entry,
    type,
    path,
    reason: 'several-members',
    says: 'It leads to more than one member: send one record a member.',
  });
}

/** Each of these, once it is known, leads to the member. */
function waysToMember(type: string, resource: ResourceJson | undefined): string[] {
  if (resource === undefined) return [];
  const element = SUBJECT_ELEMENTS[type];
  const paths = element === undefined ? SUBJECT_ROUTES : [element, ...SUBJECT_ROUTES];
  const references = paths
    .flatMap((path) => valuesAt(resource, path))
    .map(({ reference }) => stringOf(reference) ?? '');
  return [...new Set(references)].filter((reference) => {
    const [kind = '', id = ''] = reference.split('/');
    return id !== '' && kindOf(kind, true) === 'subject';
  });
}
