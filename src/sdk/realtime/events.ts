/** What events say, as the schemas of `schemas/` have it. Types only: an app is shipped none of it. */

import type {
  CallAcceptedEvent,
  CallEndedEvent,
  CallExtendEvent,
  CallJoinEvent,
  CallReadyEvent,
} from '../../contract/events/calls/v1/call_pb.js';
import type {
  RteCompletedEvent,
  RteFailedEvent,
  RteProcessingEvent,
  RteTimedOutEvent,
} from '../../contract/events/rte/v1/completion_pb.js';
import type * as care from '../../contract/events/sessions/v1/care_pb.js';
import type * as coverage from '../../contract/events/sessions/v1/coverage_pb.js';
import type * as lifecycle from '../../contract/events/sessions/v1/lifecycle_pb.js';
import type * as request from '../../contract/events/sessions/v1/service_request_pb.js';
import type * as task from '../../contract/events/sessions/v1/task_pb.js';
import type {
  TwinResourceCreatedEvent,
  TwinResourceUpdatedEvent,
} from '../../contract/events/twins/v1/resource_event_pb.js';
import type { EventFrame } from '../../contract/frames.ts';

/**
 * A message as JSON of Protocol Buffers: what has its default is left out, 64-bit numbers, bytes
 * (base64), times (RFC 3339) and words of enumerations are strings.
 */
export type JsonOf<T> = T extends { readonly $typeName: `google.protobuf.${string}` }
  ? string
  : T extends bigint | Uint8Array
    ? string
    : T extends number
      ? number extends T
        ? number
        : string
      : T extends readonly (infer Item)[]
        ? readonly JsonOf<Item>[]
        : T extends object
          ? { readonly [K in keyof T as K extends `$${string}` ? never : K]?: JsonOf<T[K]> }
          : T;

/** Without what the frame says by itself. */
type Told<M> = Omit<
  JsonOf<M>,
  'header' | 'provenance' | 'member' | 'uri' | 'variant' | 'etag' | 'position'
>;

/** Of a video visit: what the backend said for the apps, byte for byte, which is JSON. */
type Call<M> = Told<M> & { readonly data?: string };

/** Every event that the gateway tells, by its type. */
export interface EventData {
  'twins.resource-created': Told<TwinResourceCreatedEvent>;
  'twins.resource-updated': Told<TwinResourceUpdatedEvent>;
  'rte.processing': Told<RteProcessingEvent>;
  'rte.completed': Told<RteCompletedEvent>;
  'rte.failed': Told<RteFailedEvent>;
  'rte.timed_out': Told<RteTimedOutEvent>;
  'call.accepted': Call<CallAcceptedEvent>;
  'call.ready': Call<CallReadyEvent>;
  'call.ended': Call<CallEndedEvent>;
  'call.join': Call<CallJoinEvent>;
  'call.extend': Call<CallExtendEvent>;
  'sessions.session.started': Told<lifecycle.SessionStartedEvent>;
  'sessions.session.resumed': Told<lifecycle.SessionResumedEvent>;
  'sessions.session.context-linked': Told<lifecycle.SessionContextLinkedEvent>;
  'sessions.session.participant-joined': Told<lifecycle.SessionParticipantJoinedEvent>;
  'sessions.session.ended': Told<lifecycle.SessionEndedEvent>;
  'sessions.session.expired': Told<lifecycle.SessionExpiredEvent>;
  'sessions.service-request.created': Told<request.ServiceRequestCreatedEvent>;
  'sessions.service-request.updated': Told<request.ServiceRequestUpdatedEvent>;
  'sessions.task.created': Told<task.TaskCreatedEvent>;
  'sessions.task.updated': Told<task.TaskUpdatedEvent>;
  'sessions.task.completed': Told<task.TaskCompletedEvent>;
  'sessions.coverage.updated': Told<coverage.CoverageUpdatedEvent>;
  'sessions.care.updated': Told<care.CareUpdatedEvent>;
}

export type EventType = keyof EventData;

type Frame<T extends string, D> = Omit<EventFrame, 'type' | 'data'> & {
  readonly type: T;
  readonly data?: D;
  /** By the change feed, while no socket could be had: `epoch` is empty, `offset` 0. */
  readonly polled?: true;
};

/** An event by its type; of a type that this version does not know, `data` is unknown. */
export type RealtimeEvent<T extends string = EventType> = T extends EventType
  ? Frame<T, EventData[T]>
  : Frame<T, Readonly<Record<string, unknown>>>;

/** What the change feed told, while no socket was there. */
export type PolledEvent = RealtimeEvent & {
  readonly uri: string;
  readonly position: string;
};
