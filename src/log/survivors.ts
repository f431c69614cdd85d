import { objectOf, objectsOf, stringOf } from '../twin/fhir/elements.ts';
import { withReferences } from '../twin/fhir/references.ts';
import type { ResourceJson, SourceRecord } from '../twin/ports.ts';
import type { DeciderState } from './decider-state.ts';

/** Links in a row that are followed at most. */
const LINKS_MAX = 16;

/** The member that holds this one's records now: itself, where nobody replaced it. */
export function survivorOf(state: DeciderState, tenant: string, member: string): string {
  let survivor = member;
  for (let links = 0; links < LINKS_MAX; links += 1) {
    const link = state.linkOf(tenant, survivor);
    if (link === undefined || !link.merged) break;
    survivor = link.survivor;
  }
  return survivor;
}

/** Every member whose records have moved here, also by way of others; in order. */
export function replacedBy(state: DeciderState, tenant: string, survivor: string): string[] {
  const found = new Set<string>();
  let open = [survivor];
  for (let links = 0; links < LINKS_MAX && open.length > 0; links += 1) {
    open = open
      .flatMap((member) => state.linkedTo(tenant, member))
      .filter(({ merged, member }) => merged && !found.has(member))
      .map(({ member }) => member);
    for (const member of open) found.add(member);
  }
  return [...found].sort();
}

/** Whom a Patient says it was replaced by (FHIR R4 `Patient.link`), as a member id of ours. */
export function linkIn(resource: ResourceJson | null): string | undefined {
  if (resource?.resourceType !== 'Patient') return undefined;
  const link = objectsOf(resource.link).find(({ type }) => type === 'replaced-by');
  const [, member] = /^Patient\/(.+)$/.exec(stringOf(objectOf(link?.other).reference) ?? '') ?? [];
  return member === resource.id ? undefined : member;
}

/**
 * A record of a replaced member is the survivor's. The survivor's own Patient says whom it
 * replaces, by which people still find it.
 */
export function ofSurvivor(state: DeciderState, record: SourceRecord): SourceRecord {
  const { tenant, subject, resource, type } = record;
  if (subject.kind !== 'member') return record;
  const id = survivorOf(state, tenant, subject.id);
  const replaced = replacedBy(state, tenant, id);
  if (replaced.length === 0) return record;
  const redirected = { ...record, subject: { ...subject, id } };
  if (resource === null) return redirected;
  if (type === 'Patient') return { ...redirected, resource: withReplaces(resource, replaced) };
  const olds = new Set(replaced.map((member) => `Patient/${member}`));
  const rewritten = withReferences(resource, (one) => (olds.has(one) ? `Patient/${id}` : one));
  return { ...redirected, resource: rewritten };
}

function withReplaces(resource: ResourceJson, replaced: readonly string[]): ResourceJson {
  const links = objectsOf(resource.link);
  const said = links
    .filter(({ type }) => type === 'replaces')
    .map(({ other }) => stringOf(objectOf(other).reference));
  const missing = replaced
    .map((member) => `Patient/${member}`)
    .filter((reference) => !said.includes(reference))
    .map((reference) => ({ other: { reference }, type: 'replaces' }));
  return missing.length === 0 ? resource : { ...resource, link: [...links, ...missing] };
}
