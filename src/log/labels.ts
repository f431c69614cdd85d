import { isProtected, RESTRICTED } from '../twin/documents/sensitive.ts';
import { objectOf, objectsOf } from '../twin/fhir/elements.ts';
import type { ResourceJson, SourceRecord } from '../twin/ports.ts';
import type { DeciderState } from './decider-state.ts';
import { directoryReferences } from './names.ts';

/** A projection tells what a record says of itself from what it takes over by this. */
const INHERITED = { ...RESTRICTED, userSelected: false };

export function isLabelled(resource: ResourceJson | null): boolean {
  return resource !== null && isProtected(resource);
}

/**
 * A projection sees no directory record but its name, so whatever refers to a protected one (a
 * labelled medication) takes over its label, as long as that one has it.
 */
export function withLabels(state: DeciderState, record: SourceRecord): SourceRecord {
  const { tenant, resource } = record;
  if (resource === null) return record;
  const { security, ...meta } = objectOf(resource.meta);
  const held = objectsOf(security);
  const own = held.filter(({ code, userSelected }) => {
    return code !== RESTRICTED.code || userSelected !== INHERITED.userSelected;
  });
  const inherits = directoryReferences(resource).some((one) => state.isLabelled(tenant, one));
  if (!inherits && own.length === held.length) return record;
  const labels = inherits ? [...own, INHERITED] : own;
  const labelled = { ...meta, ...(labels.length > 0 && { security: labels }) };
  const { meta: _, ...plain } = resource;
  const changed = Object.keys(labelled).length > 0 ? { ...plain, meta: labelled } : plain;
  return { ...record, resource: { ...changed, resourceType: resource.resourceType } };
}
