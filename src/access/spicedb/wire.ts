/** Our words to and from authzed.api.v1. Ids are escaped here and nowhere else. */

import { v1 } from '@authzed/authzed-node';
import type { ObjectRef, RelationChange, Relationship } from '../../twin/ports.ts';
import type { Consistency, LookupQuery, Precondition, RelationFilter } from './engine.ts';
import { escapeId, unescapeId } from './ids.ts';

export function toObject(ref: ObjectRef): v1.ObjectReference {
  return { objectType: ref.type, objectId: escapeId(ref.id) };
}

export function toSubject(ref: ObjectRef & { readonly relation?: string }): v1.SubjectReference {
  return { object: toObject(ref), optionalRelation: ref.relation ?? '' };
}

export function toConsistency(consistency: Consistency): v1.Consistency {
  return consistency.kind === 'full'
    ? { requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true } }
    : {
        requirement: {
          oneofKind: 'atLeastAsFresh',
          atLeastAsFresh: { token: consistency.zedToken },
        },
      };
}

export function toUpdate(change: RelationChange): v1.RelationshipUpdate {
  const { DELETE, TOUCH } = v1.RelationshipUpdate_Operation;
  return {
    operation: change.operation === 'touch' ? TOUCH : DELETE,
    relationship: toRelationship(change.relationship),
  };
}

export function fromUpdate(update: v1.RelationshipUpdate): RelationChange | undefined {
  if (update.relationship === undefined) return undefined;
  const operation =
    update.operation === v1.RelationshipUpdate_Operation.DELETE ? 'delete' : 'touch';
  return { operation, relationship: fromRelationship(update.relationship) };
}

function toRelationship(relationship: Relationship): v1.Relationship {
  return {
    resource: toObject(relationship.resource),
    relation: relationship.relation,
    subject: toSubject(relationship.subject),
    ...(relationship.expiresAt !== undefined && {
      optionalExpiresAt: toTimestamp(relationship.expiresAt),
    }),
  };
}

export function fromRelationship(relationship: v1.Relationship): Relationship {
  const subject = relationship.subject;
  const expires = relationship.optionalExpiresAt;
  return {
    resource: fromObject(relationship.resource),
    relation: relationship.relation,
    subject: {
      ...fromObject(subject?.object),
      ...(subject?.optionalRelation && { relation: subject.optionalRelation }),
    },
    ...(expires !== undefined && { expiresAt: fromTimestamp(expires) }),
  };
}

function fromObject(object: v1.ObjectReference | undefined): ObjectRef {
  return { type: object?.objectType ?? '', id: unescapeId(object?.objectId ?? '') };
}

type Timestamp = NonNullable<v1.Relationship['optionalExpiresAt']>;

function toTimestamp(iso: string): Timestamp {
  const ms = Date.parse(iso);
  const seconds = Math.floor(ms / 1000);
  return { seconds: String(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

function fromTimestamp(time: Timestamp): string {
  return new Date(Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6)).toISOString();
}

export function toFilter(filter: RelationFilter): v1.RelationshipFilter {
  return {
    resourceType: filter.type,
    optionalResourceId: filter.id === undefined ? '' : escapeId(filter.id),
    optionalResourceIdPrefix: '',
    optionalRelation: filter.relation ?? '',
    ...(filter.subject !== undefined && {
      optionalSubjectFilter: {
        subjectType: filter.subject.type,
        optionalSubjectId: filter.subject.id === undefined ? '' : escapeId(filter.subject.id),
      },
    }),
  };
}

export function toPrecondition(precondition: Precondition): v1.Precondition {
  const { MUST_MATCH, MUST_NOT_MATCH } = v1.Precondition_Operation;
  return {
    operation: precondition.must === 'match' ? MUST_MATCH : MUST_NOT_MATCH,
    filter: toFilter(precondition.filter),
  };
}

export function toLookup(query: LookupQuery, consistency: Consistency): v1.LookupResourcesRequest {
  return v1.LookupResourcesRequest.create({
    consistency: toConsistency(consistency),
    resourceObjectType: query.type,
    permission: query.permission,
    subject: toSubject(query.subject),
    optionalLimit: query.limit,
    ...(query.cursor !== undefined && { optionalCursor: { token: query.cursor } }),
  });
}
