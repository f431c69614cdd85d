import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { EVENTS, type EventKind, eventNamed } from '../../contract/events/catalog.ts';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';
import type { SchemaIds } from './schema-ids.ts';
import { Undecodable } from './undecodable.ts';

/** Names of record headers. None of them holds health information. */
export const HEADERS = {
  /** Whole name of the message, such as `twins.v1.SourceRecord`. */
  type: 'type',
  /** What a tombstone would say if it had a value. */
  envelope: 'envelope',
  /** Of plain FHIR JSON on `twins.intake`: whose it is, where from, and what makes it idempotent. */
  tenant: 'tenant',
  source: 'source',
  eventId: 'event-id',
  /** `json` (default) or `ndjson`. */
  format: 'format',
} as const;

/** What goes into a record; topic and partition are the caller's. */
export interface OutMessage {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
}

/** What stands in a record, of any client. */
export interface InMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | undefined>>;
}

/** The message in its frame. */
export function frameOf<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  ids: SchemaIds,
): Buffer {
  const indexes = [schema.file.messages.indexOf(schema)];
  return encodeFrame(ids.idOf(schema.typeName), indexes, toBinary(schema, message));
}

export function outMessage<D extends DescMessage>(
  schema: D,
  key: string,
  message: MessageShape<D>,
  ids: SchemaIds,
): OutMessage {
  return {
    key: Buffer.from(key),
    value: frameOf(schema, message, ids),
    headers: { [HEADERS.type]: Buffer.from(schema.typeName) },
  };
}

/** A tombstone; `message` without its content rides in a header. */
export function outTombstone<D extends DescMessage>(
  schema: D,
  key: string,
  message: MessageShape<D>,
  ids: SchemaIds,
): OutMessage {
  const { headers } = outMessage(schema, key, message, ids);
  const envelope = frameOf(schema, message, ids);
  return {
    key: Buffer.from(key),
    value: null,
    headers: { ...headers, [HEADERS.envelope]: envelope },
  };
}

/**
 * The message of a topic that carries only this one. Unknown fields are kept.
 * @throws Undecodable
 */
export function inMessage<D extends DescMessage>(
  schema: D,
  { value, headers }: InMessage,
  ids: SchemaIds,
): MessageShape<D> {
  const bytes = value ?? headers[HEADERS.envelope];
  if (bytes === undefined) throw new Undecodable('MALFORMED', 'a tombstone without an envelope');
  const frame = decodeFrame(bytes);
  const name = nameIn(frame, headers, ids);
  if (name !== schema.typeName) throw unknownName(name);
  return parse(schema, frame.payload);
}

/**
 * Whatever event it is, with its message.
 * @throws Undecodable
 */
export function inEvent(
  { value, headers }: InMessage,
  ids: SchemaIds,
): { readonly kind: EventKind; readonly message: MessageShape<DescMessage> } {
  const bytes = value ?? headers[HEADERS.envelope];
  if (bytes === undefined) throw new Undecodable('MALFORMED', 'a tombstone without an envelope');
  const frame = decodeFrame(bytes);
  const name = nameIn(frame, headers, ids);
  const kind = eventNamed(name);
  if (kind === undefined) throw unknownName(name);
  return { kind, message: parse(kind.schema, frame.payload) };
}

/** By the frame; where its id is from a newer version or another table, by the header. */
function nameIn(frame: Frame, headers: InMessage['headers'], ids: SchemaIds): string {
  const name = ids.nameOf(frame.id, frame.indexes) ?? headers[HEADERS.type]?.toString();
  if (name !== undefined) return name;
  throw new Undecodable(
    'UNKNOWN_VERSION',
    'the schema id is not known, and no header names the type',
  );
}

/** A package that we know in another major version (`twins.v2`), or nothing of ours. */
function unknownName(name: string): Undecodable {
  const major = /^(.+\.v)[0-9]+\.\w+$/.exec(name)?.[1];
  const known = EVENTS.map(({ schema }) => schema.file.proto.package);
  return known.some((one) => !name.startsWith(`${one}.`) && one.replace(/[0-9]+$/, '') === major)
    ? new Undecodable('UNKNOWN_VERSION', 'of another major version of its package')
    : new Undecodable('UNKNOWN_TYPE', 'not a type of this topic');
}

function parse<D extends DescMessage>(schema: D, payload: Buffer): MessageShape<D> {
  try {
    return fromBinary(schema, payload);
  } catch (error) {
    throw new Undecodable('MALFORMED', `the bytes are no ${schema.typeName}`, error);
  }
}
