import type { Relationship } from './ports.ts';

/** The whole relationship without its expiry: a later touch with another expiry replaces it. */
export function relationshipKey({ resource, relation, subject }: Relationship): string {
  const of = subject.relation === undefined ? '' : `#${subject.relation}`;
  return `${resource.type}:${resource.id}#${relation}@${subject.type}:${subject.id}${of}`;
}
