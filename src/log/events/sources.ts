import { create } from '@bufbuild/protobuf';
import {
  SourceRecordSchema,
  SubjectKind,
  type SourceRecord as Wire,
} from '../../contract/events/twins/v1/source_pb.js';
import type { LogRecord, SourceRecord, Subject } from '../../twin/ports.ts';
import { recordKey } from '../../twin/subjects.ts';
import type { HeadFacts } from '../decider-state.ts';
import {
  headerOf,
  headFacts,
  jsonBytes,
  needed,
  provenanceOf,
  resourceOf,
  timestampOf,
  wireFacts,
} from './parts.ts';
import { ownIds, type SchemaIds } from './schema-ids.ts';
import { Undecodable } from './undecodable.ts';
import { type InMessage, inMessage, type OutMessage, outMessage, outTombstone } from './wire.ts';

const KINDS = {
  member: SubjectKind.MEMBER,
  practitioner: SubjectKind.PRACTITIONER,
  session: SubjectKind.SESSION,
} as const;

/**
 * A record of `twins.sources`. The facts ride in the value, since identifiers are health
 * information and no header holds any; a tombstone's, which has none, in its envelope.
 */
export function encodeSource(
  record: SourceRecord,
  facts: HeadFacts,
  ids: SchemaIds = ownIds,
): OutMessage {
  const gone = record.resource === null;
  const message = {
    ...wireSource(gone ? { ...record, names: {} } : record),
    facts: wireFacts(gone ? { ...facts, mentions: [], identifiers: [] } : facts),
  };
  const out = gone ? outTombstone : outMessage;
  return out(SourceRecordSchema, recordKey(record), message, ids);
}

/** @throws Undecodable, also where the key is not that of the record. */
export function decodeSource(
  message: InMessage & { readonly partition: number; readonly offset: number },
  ids: SchemaIds = ownIds,
): { readonly record: LogRecord; readonly facts: HeadFacts } {
  const wire = inMessage(SourceRecordSchema, message, ids);
  const { partition, offset } = message;
  const record = {
    ...sourceOf(wire),
    provenance: provenanceOf(wire.provenance),
    partition,
    offset,
  };
  if (message.key?.toString() !== recordKey(record)) {
    throw new Undecodable('MALFORMED', 'the key is not that of the record');
  }
  if ((message.value === null) !== (record.resource === null)) {
    throw new Undecodable('MALFORMED', 'a record without content, or a tombstone with some');
  }
  return { record, facts: headFacts(wire.facts) };
}

/** The same message for `twins.sources` and, not yet accepted, for a submission. */
export function wireSource(
  record: Omit<SourceRecord, 'provenance'> & {
    readonly provenance: { source: string; actor: string; recorded?: string };
  },
): Wire {
  const { tenant, subject, type, id, resource, names, eventId } = record;
  const { source, actor, recorded } = record.provenance;
  return create(SourceRecordSchema, {
    header: headerOf({
      id: eventId,
      type: 'twins.source-record',
      tenant,
      ...(recorded !== undefined && { time: recorded }),
      ...(subject.kind === 'member' && { member: subject.id }),
    }),
    provenance: {
      source,
      actor,
      ...(recorded !== undefined && { recorded: timestampOf(recorded) }),
    },
    subjectKind: KINDS[subject.kind],
    subjectId: subject.id,
    type,
    id,
    names: { ...names },
    ...(resource !== null && { resource: jsonBytes(resource) }),
  });
}

export function sourceOf(wire: Wire): Omit<SourceRecord, 'provenance'> {
  const { id: eventId, tenant } = needed(wire.header, 'header');
  return {
    tenant: needed(tenant, 'tenant'),
    subject: subjectIn(wire),
    type: needed(wire.type, 'type'),
    id: needed(wire.id, 'id'),
    resource: resourceOf(wire.resource),
    names: wire.names,
    eventId: needed(eventId, 'event id'),
  };
}

function subjectIn({ subjectKind, subjectId }: Wire): Subject {
  const kind = (Object.keys(KINDS) as Subject['kind'][]).find((one) => KINDS[one] === subjectKind);
  return { kind: needed(kind, 'subject kind'), id: needed(subjectId, 'subject id') };
}
