import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { isMessage } from '@bufbuild/protobuf';
import { type Header, HeaderSchema } from '../../contract/events/shared/events/v1/header_pb.js';
import { ownIds, type SchemaIds, Undecodable } from '../events/index.ts';
import { inEvent } from '../events/wire.ts';
import type { KafkaRecord } from '../kafka/client.ts';
import type { Decode, Decoded } from './event.ts';

/** Any event of `schemas`: `isMessage(value, TwinResourceUpdatedEventSchema)` says which. */
export type EventMessage = MessageShape<DescMessage>;

/** Ids of ours in a header that may become one of a dead letter, and stand in a store. */
const ID = /^[\x21-\x7e]{1,200}$/;

/** Every event of `schemas` (src/contract/events), framed as on our topics. */
export function decodeEvents(ids: SchemaIds = ownIds): Decode<EventMessage> {
  return (record) => eventIn(record, ids);
}

/** Only these events, typed; one of another type is a dead letter (`UNKNOWN_TYPE`). */
export function decodeOnly<D extends DescMessage>(
  schemas: readonly D[],
  ids: SchemaIds = ownIds,
): Decode<MessageShape<D>> {
  return (record) => {
    const { value, ...event } = eventIn(record, ids);
    if (schemas.some((schema) => isMessage(value, schema))) {
      return { ...event, value: value as MessageShape<D> };
    }
    throw new Undecodable('UNKNOWN_TYPE', 'not an event that this consumer takes');
  };
}

function eventIn(record: KafkaRecord, ids: SchemaIds): Decoded<EventMessage> {
  const { kind, message } = inEvent(record, ids);
  const { id, tenant } = headerOf(message);
  return { id, tenant, type: kind.type, value: message };
}

/** @throws Undecodable MALFORMED where an event has none, or one without an id */
export function headerOf(message: EventMessage): Header {
  const header = 'header' in message ? message.header : undefined;
  if (isMessage(header, HeaderSchema) && ID.test(header.id)) return header;
  throw new Undecodable('MALFORMED', 'the event has no header with an id');
}
