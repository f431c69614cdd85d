import { create } from '@bufbuild/protobuf';
import {
  AuditCheckpointEventSchema,
  AuditRecordedEventSchema,
} from '../../contract/events/access/v1/audit_pb.js';
import type { ShippedCheckpoint, ShippedRow } from '../../twin/ports.ts';
import { headerOf, isoOf, needed, timestampOf } from './parts.ts';
import { ownIds, type SchemaIds } from './schema-ids.ts';
import { Undecodable } from './undecodable.ts';
import { type InMessage, inEvent, type OutMessage, outMessage } from './wire.ts';

/**
 * The key is the first member whom the row is about, where something was shown of them; else its
 * log: of what was refused the member may be any text that somebody sent, a record number of theirs.
 */
export function encodeAuditRow(row: ShippedRow, ids: SchemaIds = ownIds): OutMessage {
  const { generation, instance, index, at, hash, body, members } = row;
  const [member = ''] = body.includes('"outcome":"success"') ? members : [];
  const message = create(AuditRecordedEventSchema, {
    header: headerOf({
      id: `${generation}-${index}`,
      type: 'access.audit-recorded',
      tenant: '',
      time: new Date(at).toISOString(),
      member,
    }),
    ...{ generation, instance, index: BigInt(index), body, members: [...members] },
    chain: Uint8Array.from(hash),
    provenance: { source: 'audit', actor: '', recorded: timestampOf(new Date(at).toISOString()) },
  });
  return outMessage(AuditRecordedEventSchema, member || generation, message, ids);
}

export function encodeAuditCheckpoint(
  { generation, instance, size, at, note }: ShippedCheckpoint,
  ids: SchemaIds = ownIds,
): OutMessage {
  const id = `${generation}-${size}-${Date.parse(at)}`;
  const message = create(AuditCheckpointEventSchema, {
    header: headerOf({ id, type: 'access.audit-checkpoint', tenant: '', time: at }),
    ...{ generation, instance, size: BigInt(size), checkpoint: note },
    provenance: { source: 'audit', actor: '', recorded: timestampOf(at) },
  });
  return outMessage(AuditCheckpointEventSchema, generation, message, ids);
}

/** @throws Undecodable */
export function decodeAudit(
  message: InMessage,
  ids: SchemaIds = ownIds,
): { readonly row: ShippedRow } | { readonly checkpoint: ShippedCheckpoint } {
  const { message: event } = inEvent(message, ids);
  if (event.$typeName === AuditRecordedEventSchema.typeName) {
    return { row: rowOf(event as ReturnType<typeof emptyRow>) };
  }
  if (event.$typeName === AuditCheckpointEventSchema.typeName) {
    return { checkpoint: checkpointOf(event as ReturnType<typeof emptyCheckpoint>) };
  }
  throw new Undecodable('UNKNOWN_TYPE', 'not a type of this topic');
}

const emptyRow = () => create(AuditRecordedEventSchema);
const emptyCheckpoint = () => create(AuditCheckpointEventSchema);

function rowOf({ header, index, chain, body, ...of }: ReturnType<typeof emptyRow>): ShippedRow {
  return {
    generation: needed(of.generation, 'generation'),
    instance: needed(of.instance, 'instance'),
    index: wholeNumber(index, 'index'),
    at: Date.parse(isoOf(header?.time, 'time')),
    hash: Uint8Array.from(chain),
    body: needed(body, 'body'),
    members: of.members,
  };
}

function checkpointOf({
  header,
  size,
  ...of
}: ReturnType<typeof emptyCheckpoint>): ShippedCheckpoint {
  return {
    generation: needed(of.generation, 'generation'),
    instance: needed(of.instance, 'instance'),
    size: wholeNumber(size, 'size'),
    at: isoOf(header?.time, 'time'),
    note: needed(of.checkpoint, 'checkpoint'),
  };
}

function wholeNumber(value: bigint, what: string): number {
  if (value >= 1n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new Undecodable('MALFORMED', `${what} is no number of rows`);
}
