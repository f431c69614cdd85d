import { DIRECTORY_TYPES } from '../twin/fhir/compartment.ts';
import { displayName, objectsOf, stringOf } from '../twin/fhir/elements.ts';
import { referencesIn } from '../twin/fhir/walk.ts';
import type { ResourceJson } from '../twin/ports.ts';
import type { Identifier } from './decider-state.ts';

/** Every reference to the directory that stands anywhere in the resource, each once. */
export function directoryReferences(resource: ResourceJson | null): string[] {
  if (resource === null) return [];
  return [...new Set(referencesIn(resource))].filter((reference) =>
    DIRECTORY_TYPES.has(reference.split('/')[0] ?? ''),
  );
}

/** Identifiers by which other bundles may mean the resource: of the directory and of members. */
export function identifiersOf(resource: ResourceJson | null): Identifier[] {
  const type = resource?.resourceType ?? '';
  if (type !== 'Patient' && !DIRECTORY_TYPES.has(type)) return [];
  return objectsOf(resource?.identifier).flatMap((identifier) => {
    const value = stringOf(identifier.value);
    return value === undefined ? [] : [{ system: stringOf(identifier.system) ?? '', value }];
  });
}

/** How people call a directory record. */
export function nameOf(resource: ResourceJson | null): string | undefined {
  return resource === null ? undefined : displayName(resource);
}
