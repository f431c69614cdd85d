import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  EligibilityStatus,
  RteCompletedEventSchema,
  RteFailedEventSchema,
  RteProcessingEventSchema,
  RteTimedOutEventSchema,
} from '../../contract/events/rte/v1/completion_pb.js';
import {
  CheckClass,
  CheckJournalEntrySchema,
  CheckState,
  type EligibilityRequest,
  EligibilityRequestSchema,
  FreshnessMode,
} from '../../contract/events/rte/v1/request_pb.js';
import type { CheckEvent, CheckRequest, CheckStep, LogPlace } from '../../twin/ports.ts';
import { headerOf, needed } from './parts.ts';
import { ownIds, type SchemaIds } from './schema-ids.ts';
import { Undecodable } from './undecodable.ts';
import { type InMessage, inMessage, type OutMessage, outMessage } from './wire.ts';

const STATES = {
  accepted: CheckState.ACCEPTED,
  queued: CheckState.QUEUED,
  running: CheckState.RUNNING,
  retrying: CheckState.RETRYING,
  completed: CheckState.COMPLETED,
  failed: CheckState.FAILED,
  'timed-out': CheckState.TIMED_OUT,
} as const;
const MODES = {
  PREFER_CACHE: FreshnessMode.PREFER_CACHE,
  DEFAULT: FreshnessMode.DEFAULT,
  REQUIRE_FRESH: FreshnessMode.REQUIRE_FRESH,
} as const;
const CLASSES = {
  live: CheckClass.LIVE,
  async: CheckClass.ASYNC,
  batch: CheckClass.BATCH,
} as const;
const STATUSES = {
  active: EligibilityStatus.ACTIVE,
  inactive: EligibilityStatus.INACTIVE,
  unknown: EligibilityStatus.UNKNOWN,
} as const;

/** One step for `rte.requests`. */
export function encodeCheckStep(step: CheckStep, ids: SchemaIds = ownIds): OutMessage {
  const { eventId, at, checkId, tenant, member, state, request, attempt } = step;
  const { runningUntil, mayHaveReachedPayer = false, flight = '', reason = '' } = step;
  const { followUp = '', status, place } = step;
  const message = create(CheckJournalEntrySchema, {
    header: headerOf({ id: eventId, type: 'rte.check', tenant, member, time: isoAt(at) }),
    provenance: provenance(request?.actor ?? '', at),
    ...{ checkId, state: STATES[state], attempt, mayHaveReachedPayer, flight, reason, followUp },
    ...(request !== undefined && { request: wireRequest(request) }),
    ...(runningUntil !== undefined && { runningUntil: timestampFromMs(runningUntil) }),
    ...(status !== undefined && { status: STATUSES[status] }),
    ...(place !== undefined && { position: wirePlace(place) }),
  });
  return outMessage(CheckJournalEntrySchema, checkId, message, ids);
}

/** @throws Undecodable */
export function decodeCheckStep(message: InMessage, ids: SchemaIds = ownIds): CheckStep {
  const wire = inMessage(CheckJournalEntrySchema, message, ids);
  const header = needed(wire.header, 'header');
  const { tenant, member } = header;
  const request = wire.request && requestOf(wire.request, tenant, wire.provenance?.actor ?? '');
  const { position, runningUntil } = wire;
  return {
    eventId: needed(header.id, 'event id'),
    at: timestampMs(needed(header.time, 'time')),
    ...{ checkId: needed(wire.checkId, 'check id'), tenant, member, attempt: wire.attempt },
    state: nameOf(STATES, wire.state, 'state'),
    ...(request !== undefined && { request }),
    ...(runningUntil !== undefined && { runningUntil: timestampMs(runningUntil) }),
    ...(wire.mayHaveReachedPayer && { mayHaveReachedPayer: true }),
    ...(wire.flight !== '' && { flight: wire.flight }),
    ...(wire.reason !== '' && { reason: wire.reason }),
    ...(wire.followUp !== '' && { followUp: wire.followUp }),
    ...(wire.status !== EligibilityStatus.UNSPECIFIED && {
      status: nameOf(STATUSES, wire.status, 'status'),
    }),
    ...(position !== undefined && {
      place: { ...positionFacts(position), offset: Number(position.offset) },
    }),
  };
}

/** One event for `rte-completion`; its key is the member. */
export function encodeCheckEvent(event: CheckEvent, ids: SchemaIds = ownIds): OutMessage {
  const { schema, message } = messageOf(event);
  return outMessage(schema, event.member, message, ids);
}

/** The same before it is bytes, with the word of its type. */
export function checkEventMessage(event: CheckEvent): { type: string; message: Message } {
  return { type: TYPES[event.kind], message: messageOf(event).message };
}

function messageOf(event: CheckEvent): { schema: DescMessage; message: Message } {
  const about = aboutOf(event);
  switch (event.kind) {
    case 'processing': {
      const expectedWait = durationFromMs(event.expectedWaitMs);
      const schema = RteProcessingEventSchema;
      return { schema, message: create(schema, { ...about, expectedWait }) };
    }
    case 'completed': {
      const { status, checkedAt, document, place, late } = event;
      const schema = RteCompletedEventSchema;
      const message = create(schema, {
        ...{ ...about, status: STATUSES[status], document, late },
        checkedAt: timestampFromMs(checkedAt),
        ...(place !== undefined && { position: wirePlace(place) }),
      });
      return { schema, message };
    }
    case 'failed': {
      const { reason, aaaCode = '', followUp = '' } = event;
      const schema = RteFailedEventSchema;
      return { schema, message: create(schema, { ...about, reason, aaaCode, followUp }) };
    }
    case 'timed-out': {
      const { waitedMs, mayStillArrive } = event;
      const schema = RteTimedOutEventSchema;
      const waited = durationFromMs(waitedMs);
      return { schema, message: create(schema, { ...about, waited, mayStillArrive }) };
    }
  }
}

const TYPES = {
  processing: 'rte.processing',
  completed: 'rte.completed',
  failed: 'rte.failed',
  'timed-out': 'rte.timed_out',
} as const;

function aboutOf(event: CheckEvent) {
  const { eventId, at, checkId, tenant, member, coverage = '', payer, session = '' } = event;
  const type = TYPES[event.kind];
  const header = headerOf({ id: eventId, type, tenant, member, time: isoAt(at) });
  return {
    header,
    provenance: provenance(event.actor, at),
    ...{ checkId, member, coverage, payer, session },
  };
}

function wireRequest(request: CheckRequest): EligibilityRequest {
  const { member, coverage = '', payer, serviceTypes, provider = '', serviceDate = '' } = request;
  return create(EligibilityRequestSchema, {
    ...{ member, coverage, payer, serviceTypes: [...serviceTypes], provider, serviceDate },
    mode: MODES[request.mode],
    checkClass: CLASSES[request.class],
    session: request.session ?? '',
    dedupeKey: request.dedupeKey,
    until: timestampFromMs(request.until),
  });
}

function requestOf(wire: EligibilityRequest, tenant: string, actor: string): CheckRequest {
  const { coverage, provider, serviceDate, session } = wire;
  return {
    ...{ tenant, member: needed(wire.member, 'member'), payer: needed(wire.payer, 'payer') },
    ...(coverage !== '' && { coverage }),
    ...(provider !== '' && { provider }),
    ...(serviceDate !== '' && { serviceDate }),
    ...(session !== '' && { session }),
    serviceTypes: wire.serviceTypes,
    mode: nameOf(MODES, wire.mode, 'mode'),
    class: nameOf(CLASSES, wire.checkClass, 'class'),
    ...{ dedupeKey: needed(wire.dedupeKey, 'dedupe key'), actor },
    until: timestampMs(needed(wire.until, 'until')),
  };
}

function nameOf<N extends string, V>(table: Readonly<Record<N, V>>, value: V, what: string): N {
  const names = Object.keys(table) as N[];
  const found = names.find((name) => table[name] === value);
  if (found !== undefined) return found;
  throw new Undecodable('MALFORMED', `${what} is none that we know`);
}

function wirePlace({ epoch, partition, offset }: LogPlace) {
  return { epoch, partition, offset: BigInt(offset) };
}

function positionFacts({ epoch, partition }: { epoch: string; partition: number }) {
  return { epoch, partition };
}

function provenance(actor: string, at: number) {
  return { source: 'eligibility', actor, recorded: timestampFromMs(at) };
}

function isoAt(ms: number): string {
  return new Date(ms).toISOString();
}
