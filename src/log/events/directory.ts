import { create } from '@bufbuild/protobuf';
import { DirectoryRecordSchema } from '../../contract/events/twins/v1/directory_pb.js';
import { type DirectoryRecord, directoryKey, type HeadFacts } from '../decider-state.ts';
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

/** A record of `twins.directory`; facts as in `encodeSource`. */
export function encodeDirectory(
  record: DirectoryRecord,
  facts: HeadFacts,
  ids: SchemaIds = ownIds,
): OutMessage {
  const { tenant, type, id, resource, eventId, provenance } = record;
  const { source, actor, recorded } = provenance;
  const gone = resource === null;
  const message = create(DirectoryRecordSchema, {
    header: headerOf({ id: eventId, type: 'twins.directory-record', tenant, time: recorded }),
    provenance: { source, actor, recorded: timestampOf(recorded) },
    type,
    id,
    facts: wireFacts(gone ? { ...facts, mentions: [], identifiers: [] } : facts),
    ...(!gone && { resource: jsonBytes(resource) }),
  });
  const out = gone ? outTombstone : outMessage;
  return out(DirectoryRecordSchema, directoryKey(record), message, ids);
}

/** @throws Undecodable, also where the key is not that of the record. */
export function decodeDirectory(
  message: InMessage,
  ids: SchemaIds = ownIds,
): { readonly record: DirectoryRecord; readonly facts: HeadFacts } {
  const wire = inMessage(DirectoryRecordSchema, message, ids);
  const { id: eventId, tenant } = needed(wire.header, 'header');
  const record = {
    tenant: needed(tenant, 'tenant'),
    type: needed(wire.type, 'type'),
    id: needed(wire.id, 'id'),
    resource: resourceOf(wire.resource),
    provenance: provenanceOf(wire.provenance),
    eventId: needed(eventId, 'event id'),
  };
  if (message.key?.toString() !== directoryKey(record)) {
    throw new Undecodable('MALFORMED', 'the key is not that of the record');
  }
  if ((message.value === null) !== (record.resource === null)) {
    throw new Undecodable('MALFORMED', 'a record without content, or a tombstone with some');
  }
  return { record, facts: headFacts(wire.facts) };
}
