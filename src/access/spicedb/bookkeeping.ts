/** The relations writer's own relationships (`definition system` in schemas/twin.zed). */

import type { RelationChange, Relationship } from '../../twin/ports.ts';
import type { RelationFilter } from './engine.ts';
import { INTERNAL_TYPES } from './schema.ts';

type Mark = 'heartbeat' | 'offset' | 'pending';

export function mark(name: Mark, number: number): Relationship {
  return {
    resource: { type: 'system', id: 'relations' },
    relation: name,
    subject: { type: 'beat', id: String(number) },
  };
}

export function markFilter(name: Mark, number?: number): RelationFilter {
  return {
    type: 'system',
    id: 'relations',
    relation: name,
    ...(number !== undefined && { subject: { type: 'beat', id: String(number) } }),
  };
}

export function markNumber(relationship: Relationship): number {
  return Number(relationship.subject.id);
}

/** The number that these changes set; `undefined` when they do not touch the mark. */
export function markSet(name: Mark, changes: readonly RelationChange[]): number | undefined {
  const found = changes.find(
    ({ operation, relationship }) =>
      operation === 'touch' &&
      relationship.resource.type === 'system' &&
      relationship.relation === name,
  );
  return found === undefined ? undefined : markNumber(found.relationship);
}

export function isBookkeeping(change: RelationChange): boolean {
  return INTERNAL_TYPES.has(change.relationship.resource.type);
}
