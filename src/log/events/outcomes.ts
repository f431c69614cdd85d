import { create } from '@bufbuild/protobuf';
import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import {
  OutcomeSchema,
  RecordPlaceSchema,
  RefusalSchema,
  type Outcome as Wire,
} from '../../contract/events/twins/v1/outcome_pb.js';
import type { JsonObject } from '../../kernel/json.ts';
import type { IntakeReceipt, Place, Provenance } from '../../twin/ports.ts';
import { headerOf, jsonBytes, jsonObject, needed, provenanceOf, timestampOf } from './parts.ts';
import { ownIds, type SchemaIds } from './schema-ids.ts';
import { Undecodable } from './undecodable.ts';
import { type InMessage, inMessage, type OutMessage, outMessage } from './wire.ts';

/** What became of a submission. */
export interface Outcome {
  readonly tenant: string;
  /** Of the submission. */
  readonly eventId: string;
  /** Of the submission; `recorded` is when it was decided. */
  readonly provenance: Provenance;
  readonly result: OutcomeResult;
}

export type OutcomeResult =
  | { readonly kind: 'receipt'; readonly receipt: IntakeReceipt }
  | { readonly kind: 'place'; readonly place: Place }
  | {
      readonly kind: 'refusal';
      readonly code: ErrorCode;
      readonly detail: string;
      readonly data: JsonObject;
    };

export function encodeOutcome(outcome: Outcome, ids: SchemaIds = ownIds): OutMessage {
  const { tenant, eventId, provenance, result } = outcome;
  const { source, actor, recorded } = provenance;
  const message = create(OutcomeSchema, {
    header: headerOf({
      id: `outcome-${eventId}`,
      type: 'twins.outcome',
      tenant,
      time: recorded,
      causationId: eventId,
    }),
    provenance: { source, actor, recorded: timestampOf(recorded) },
    result: wireResult(result),
  });
  return outMessage(OutcomeSchema, `${tenant}/${eventId}`, message, ids);
}

/** @throws Undecodable */
export function decodeOutcome(message: InMessage, ids: SchemaIds = ownIds): Outcome {
  const wire = inMessage(OutcomeSchema, message, ids);
  const { tenant, causationId } = needed(wire.header, 'header');
  return {
    tenant: needed(tenant, 'tenant'),
    eventId: needed(causationId, 'event id'),
    provenance: provenanceOf(wire.provenance),
    result: resultOf(wire.result),
  };
}

function wireResult(result: OutcomeResult): Wire['result'] {
  if (result.kind === 'receipt') return { case: 'receipt', value: jsonBytes(result.receipt) };
  if (result.kind === 'place') {
    const { partition, offset } = result.place;
    return {
      case: 'place',
      value: create(RecordPlaceSchema, { partition, offset: BigInt(offset) }),
    };
  }
  const { code, detail, data } = result;
  return { case: 'refusal', value: create(RefusalSchema, { code, detail, data: jsonBytes(data) }) };
}

function resultOf(result: Wire['result']): OutcomeResult {
  if (result.case === 'receipt') {
    const receipt: object = jsonObject(result.value, 'receipt');
    return { kind: 'receipt', receipt: receipt as IntakeReceipt };
  }
  if (result.case === 'place') {
    const { partition, offset } = result.value;
    return { kind: 'place', place: { partition, offset: Number(offset) } };
  }
  if (result.case !== 'refusal') throw new Undecodable('MALFORMED', 'an outcome without a result');
  const { code, detail, data } = result.value;
  return { kind: 'refusal', code: errorCode(code), detail, data: jsonObject(data, 'refusal') };
}

/** A code of a newer version is ours to answer for, never the client's. */
function errorCode(code: string): ErrorCode {
  return Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'INTERNAL';
}
