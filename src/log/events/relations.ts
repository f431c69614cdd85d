import { create } from '@bufbuild/protobuf';
import {
  RelationshipChangedEventSchema,
  RelationshipOperation,
  RelationshipSchema,
  type Relationship as Wire,
} from '../../contract/events/access/v1/relationship_pb.js';
import type { RelationChange, Relationship } from '../../twin/ports.ts';
import { relationshipKey } from '../../twin/relationships.ts';
import { headerOf, isoOf, needed, provenanceOf, timestampOf } from './parts.ts';
import { ownIds, type SchemaIds } from './schema-ids.ts';
import { Undecodable } from './undecodable.ts';
import { type InMessage, inMessage, type OutMessage, outMessage, outTombstone } from './wire.ts';

/** One change of `access.relationships`, and who made it when. */
export interface JournalEntry {
  readonly change: RelationChange;
  readonly eventId: string;
  readonly actor: string;
  /** ISO 8601 in UTC. */
  readonly at: string;
}

const OPERATIONS = {
  touch: RelationshipOperation.TOUCH,
  delete: RelationshipOperation.DELETE,
} as const;

/** A delete is a tombstone, so that compaction forgets it as well. */
export function encodeRelation(entry: JournalEntry, ids: SchemaIds = ownIds): OutMessage {
  const { change, eventId, actor, at } = entry;
  const message = create(RelationshipChangedEventSchema, {
    header: headerOf({ id: eventId, type: 'access.relationship-changed', tenant: '', time: at }),
    operation: OPERATIONS[change.operation],
    relationship: wireRelationship(change.relationship),
    provenance: { source: 'relations', actor, recorded: timestampOf(at) },
  });
  const out = change.operation === 'delete' ? outTombstone : outMessage;
  return out(RelationshipChangedEventSchema, relationshipKey(change.relationship), message, ids);
}

/**
 * Times come back to the millisecond, with `Z`.
 * @throws Undecodable, also where the key is not that of the relationship.
 */
export function decodeRelation(message: InMessage, ids: SchemaIds = ownIds): JournalEntry {
  const wire = inMessage(RelationshipChangedEventSchema, message, ids);
  const operation = message.value === null ? 'delete' : 'touch';
  if (wire.operation !== OPERATIONS[operation]) {
    throw new Undecodable('MALFORMED', 'a delete with a value, or a tombstone that is none');
  }
  const relationship = relationshipOf(needed(wire.relationship, 'relationship'));
  if (message.key?.toString() !== relationshipKey(relationship)) {
    throw new Undecodable('MALFORMED', 'the key is not that of the relationship');
  }
  const { actor, recorded: at } = provenanceOf(wire.provenance);
  const eventId = needed(wire.header?.id, 'event id');
  return { change: { operation, relationship }, eventId, actor, at };
}

function wireRelationship(relationship: Relationship): Wire {
  const { resource, relation, subject, startsAt, expiresAt } = relationship;
  return create(RelationshipSchema, {
    resource: { type: resource.type, id: resource.id },
    relation,
    subject: { type: subject.type, id: subject.id },
    subjectRelation: subject.relation ?? '',
    ...(startsAt !== undefined && { startsAt: timestampOf(startsAt) }),
    ...(expiresAt !== undefined && { expiresAt: timestampOf(expiresAt) }),
  });
}

function relationshipOf(wire: Wire): Relationship {
  const object = (one: Wire['resource'], what: string): { type: string; id: string } => {
    const { type, id } = needed(one, what);
    return { type: needed(type, `${what} type`), id: needed(id, `${what} id`) };
  };
  return {
    resource: object(wire.resource, 'resource'),
    relation: needed(wire.relation, 'relation'),
    subject: {
      ...object(wire.subject, 'subject'),
      ...(wire.subjectRelation !== '' && { relation: wire.subjectRelation }),
    },
    ...(wire.startsAt && { startsAt: isoOf(wire.startsAt, 'start') }),
    ...(wire.expiresAt && { expiresAt: isoOf(wire.expiresAt, 'expiration') }),
  };
}
