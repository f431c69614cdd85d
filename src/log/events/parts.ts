import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Header, HeaderSchema } from '../../contract/events/shared/events/v1/header_pb.js';
import type { Provenance as WireProvenance } from '../../contract/events/shared/events/v1/provenance_pb.js';
import { type RecordFacts, RecordFactsSchema } from '../../contract/events/twins/v1/source_pb.js';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import type { Provenance, ResourceJson } from '../../twin/ports.ts';
import type { HeadFacts } from '../decider-state.ts';
import { Undecodable } from './undecodable.ts';

const SCHEMA_VERSION = 1;

export interface HeaderFacts {
  readonly id: string;
  readonly type: string;
  readonly tenant: string;
  /** ISO 8601. */
  readonly time?: string;
  readonly member?: string;
  readonly causationId?: string;
}

export function headerOf({ time, ...facts }: HeaderFacts): Header {
  return create(HeaderSchema, {
    ...facts,
    ...(time !== undefined && { time: timestampOf(time) }),
    schemaVersion: SCHEMA_VERSION,
  });
}

export function timestampOf(iso: string): Timestamp {
  return timestampFromDate(new Date(iso));
}

export function isoOf(timestamp: Timestamp | undefined, what: string): string {
  const ms = timestampDate(needed(timestamp, what)).getTime();
  if (Number.isNaN(ms)) throw new Undecodable('MALFORMED', `${what} is no time`);
  return new Date(ms).toISOString();
}

/** @throws Undecodable MALFORMED where it is absent or empty. */
export function needed<T>(value: T | undefined, what: string): T {
  if (value !== undefined && value !== '') return value;
  throw new Undecodable('MALFORMED', `${what} is missing`);
}

export function provenanceOf(header: WireProvenance | undefined): Provenance {
  const { source, actor, recorded } = needed(header, 'provenance');
  return { source, actor, recorded: isoOf(recorded, 'recorded') };
}

export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

export function jsonObject(bytes: Uint8Array, what: string): JsonObject {
  const value = parsed(bytes, what);
  if (isObject(value)) return value as JsonObject;
  throw new Undecodable('MALFORMED', `${what} is no JSON object`);
}

export function resourceOf(bytes: Uint8Array | undefined): ResourceJson | null {
  if (bytes === undefined) return null;
  const resource = jsonObject(bytes, 'resource');
  const { resourceType } = resource;
  if (typeof resourceType === 'string') return { ...resource, resourceType };
  throw new Undecodable('MALFORMED', 'resource has no resourceType');
}

export function wireFacts(facts: HeadFacts): RecordFacts {
  return create(RecordFactsSchema, {
    hash: facts.hash,
    mentions: [...facts.mentions],
    identifiers: facts.identifiers.map(({ system, value }) => ({ system, value })),
    ...(facts.lastUpdatedMs !== undefined && { lastUpdatedMs: facts.lastUpdatedMs }),
  });
}

export function headFacts(wire: RecordFacts | undefined): HeadFacts {
  const { hash, mentions, identifiers, lastUpdatedMs } = needed(wire, 'facts');
  return {
    hash,
    mentions,
    identifiers: identifiers.map(({ system, value }) => ({ system, value })),
    ...(lastUpdatedMs !== undefined && { lastUpdatedMs }),
  };
}

function parsed(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // JSON.parse quotes what it could not read: its error is kept out of every log.
    throw new Undecodable('MALFORMED', `${what} is no JSON`);
  }
}
