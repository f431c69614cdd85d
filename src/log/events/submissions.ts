import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { create } from '@bufbuild/protobuf';
import {
  BodyCompression,
  BodyFormat,
  type BundlePart,
  BundlePartSchema,
  SubmissionSchema,
  type Submission as Wire,
} from '../../contract/events/twins/v1/intake_pb.js';
import { isId } from '../../contract/uris.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Provenance, SourceRecord } from '../../twin/ports.ts';
import { headerOf, needed } from './parts.ts';
import { ownIds, type SchemaIds } from './schema-ids.ts';
import { sourceOf, wireSource } from './sources.ts';
import { Undecodable } from './undecodable.ts';
import { HEADERS, type InMessage, inMessage, type OutMessage, outMessage } from './wire.ts';

/** A FHIR body on `twins.intake`, or one part of it. */
export interface SubmittedBundle {
  readonly kind: 'bundle';
  readonly tenant: string;
  readonly source: string;
  readonly actor: string;
  readonly eventId: string;
  readonly format: 'json' | 'ndjson';
  /** Whether the whole body is compressed. */
  readonly gzip: boolean;
  readonly body: Uint8Array;
  readonly dryRun: boolean;
  /** From 0, of at least 1. */
  readonly part: { readonly index: number; readonly count: number };
}

/** A record of our own, already addressed. */
export interface SubmittedRecord {
  readonly kind: 'record';
  readonly record: UnacceptedRecord;
}

export type UnacceptedRecord = Omit<SourceRecord, 'provenance'> & {
  readonly provenance: Omit<Provenance, 'recorded'>;
};

export type Submission = SubmittedBundle | SubmittedRecord;

/** What fits beside the rest of a message into one record of the log (design §6). */
const PART_BYTES_MAX = LIMITS.recordBytesMax - 16 * 1024;
/** Of the largest body that the intake takes, each as small as a foreign producer likes. */
const PARTS_MAX = 4_096;

/** One message, or as many as the body needs, to be sent in order with the same key. */
export function encodeBundle(
  bundle: Omit<SubmittedBundle, 'kind' | 'part'>,
  key: string,
  ids: SchemaIds = ownIds,
): OutMessage[] {
  const { tenant, source, actor, eventId, body } = bundle;
  const count = Math.max(1, Math.ceil(body.length / PART_BYTES_MAX));
  return Array.from({ length: count }, (_, index) => {
    const message = create(SubmissionSchema, {
      header: headerOf({ id: eventId, type: 'twins.submission', tenant }),
      provenance: { source, actor },
      command: {
        case: 'bundle',
        value: create(BundlePartSchema, {
          format: bundle.format === 'json' ? BodyFormat.JSON : BodyFormat.NDJSON,
          compression: bundle.gzip ? BodyCompression.GZIP : BodyCompression.UNSPECIFIED,
          body: body.subarray(index * PART_BYTES_MAX, (index + 1) * PART_BYTES_MAX),
          chunkIndex: index,
          chunkCount: count,
          dryRun: bundle.dryRun,
        }),
      },
    });
    return outMessage(SubmissionSchema, key, message, ids);
  });
}

export function encodeRecordCommand(
  record: UnacceptedRecord,
  key: string,
  ids: SchemaIds = ownIds,
): OutMessage {
  const { tenant, eventId, provenance } = record;
  const message = create(SubmissionSchema, {
    header: headerOf({ id: eventId, type: 'twins.submission', tenant }),
    provenance,
    command: { case: 'record', value: wireSource(record) },
  });
  return outMessage(SubmissionSchema, key, message, ids);
}

/** Plain FHIR, of a producer that knows nothing of our frame, nor of `twins.outcomes`. */
export function isPlain({ value }: Pick<InMessage, 'value'>): boolean {
  return value !== null && value[0] !== 0;
}

/**
 * What a producer said: our own frame, or plain FHIR JSON (also gzip) of one that knows only FHIR,
 * which says whose and where from in headers.
 * @throws Undecodable
 */
export function decodeSubmission(message: InMessage, ids: SchemaIds = ownIds): Submission {
  const { value } = message;
  if (value === null) throw new Undecodable('MALFORMED', 'a submission without a value');
  if (isPlain(message)) return plainSubmission(value, message.headers);
  const wire = inMessage(SubmissionSchema, message, ids);
  const { command } = wire;
  if (command.case === 'bundle') return bundleOf(wire, command.value);
  if (command.case !== 'record') throw new Undecodable('MALFORMED', 'a submission without content');
  const record = sourceOf(command.value);
  const { source, actor } = bySaid(record, command.value.provenance);
  const { subject, type, id } = record;
  for (const one of [subject.id, type, id]) within(isId(one), 'the address of a record');
  return { kind: 'record', record: { ...record, provenance: { source, actor } } };
}

const inflate = promisify(gunzip);

/** The body as it was before compression. @throws Undecodable MALFORMED, also beyond the bound */
export async function inflated(body: Uint8Array): Promise<Uint8Array> {
  try {
    return await inflate(body, { maxOutputLength: LIMITS.bundleBytesMax });
  } catch (error) {
    throw new Undecodable('MALFORMED', 'the body is no gzip, or too large', error);
  }
}

function bundleOf({ header, provenance }: Wire, part: BundlePart): SubmittedBundle {
  const { id, tenant } = needed(header, 'header');
  const by = bySaid({ tenant, eventId: id }, provenance);
  const count = Math.max(1, part.chunkCount);
  if (count > PARTS_MAX || part.chunkIndex >= count) {
    throw new Undecodable('MALFORMED', 'a part beyond the whole');
  }
  return {
    kind: 'bundle',
    ...by,
    format: formatOf(part.format),
    gzip: compressionOf(part.compression),
    body: part.body,
    dryRun: part.dryRun,
    part: { index: part.chunkIndex, count },
  };
}

/** Shapes that keys are built from and rows are kept by: anybody may write to the intake. */
const SOURCE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const EVENT_ID = /^[\x20-\x7e]{1,256}$/;
const ACTOR_CHARS_MAX = 512;

function bySaid(
  { tenant, eventId }: { readonly tenant: string; readonly eventId: string },
  provenance: { readonly source: string; readonly actor: string } | undefined,
): Pick<SubmittedBundle, 'tenant' | 'source' | 'actor' | 'eventId'> {
  const { source, actor } = needed(provenance, 'provenance');
  within(isId(tenant), 'the tenant');
  within(EVENT_ID.test(eventId), 'the event id');
  within(SOURCE.test(source), 'the source');
  within(actor.length > 0 && actor.length <= ACTOR_CHARS_MAX, 'the actor');
  return { tenant, source, actor, eventId };
}

function within(fits: boolean, what: string): void {
  if (!fits) throw new Undecodable('MALFORMED', `${what} is missing, or not of its shape`);
}

function formatOf(format: BodyFormat): 'json' | 'ndjson' {
  if (format === BodyFormat.JSON) return 'json';
  if (format === BodyFormat.NDJSON) return 'ndjson';
  throw new Undecodable('UNKNOWN_VERSION', 'a body format that this version does not know');
}

function compressionOf(compression: BodyCompression): boolean {
  if (compression === BodyCompression.GZIP) return true;
  if (compression === BodyCompression.UNSPECIFIED) return false;
  throw new Undecodable('UNKNOWN_VERSION', 'a compression that this version does not know');
}

function plainSubmission(value: Buffer, headers: InMessage['headers']): SubmittedBundle {
  const header = (name: string): string => needed(headers[name]?.toString(), `header ${name}`);
  const source = header(HEADERS.source);
  const format = headers[HEADERS.format]?.toString() ?? 'json';
  if (format !== 'json' && format !== 'ndjson') {
    throw new Undecodable('MALFORMED', 'header format is neither json nor ndjson');
  }
  return {
    kind: 'bundle',
    // Kafka tells nobody who a producer is: the system answers for what comes from it.
    ...bySaid(
      { tenant: header(HEADERS.tenant), eventId: header(HEADERS.eventId) },
      { source, actor: source },
    ),
    format,
    gzip: value[0] === 0x1f && value[1] === 0x8b,
    body: value,
    dryRun: false,
    part: { index: 0, count: 1 },
  };
}
