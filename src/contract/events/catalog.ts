import {
  createRegistry,
  type DescFile,
  type DescMessage,
  getOption,
  hasOption,
} from '@bufbuild/protobuf';
import { file_access_v1_audit } from './access/v1/audit_pb.js';
import { file_access_v1_relationship } from './access/v1/relationship_pb.js';
import { file_calls_v1_call } from './calls/v1/call_pb.js';
import { file_membercron_v1_member_cron } from './membercron/v1/member_cron_pb.js';
import { file_rte_v1_completion } from './rte/v1/completion_pb.js';
import { file_rte_v1_request } from './rte/v1/request_pb.js';
import { file_sessions_v1_care } from './sessions/v1/care_pb.js';
import { file_sessions_v1_coverage } from './sessions/v1/coverage_pb.js';
import { file_sessions_v1_lifecycle } from './sessions/v1/lifecycle_pb.js';
import { file_sessions_v1_notification } from './sessions/v1/notification_pb.js';
import { file_sessions_v1_service_request } from './sessions/v1/service_request_pb.js';
import { file_sessions_v1_task } from './sessions/v1/task_pb.js';
import { event_type, topic } from './shared/events/v1/event_pb.js';
import { file_twins_v1_dead_letter } from './twins/v1/dead_letter_pb.js';
import { file_twins_v1_directory } from './twins/v1/directory_pb.js';
import { file_twins_v1_intake } from './twins/v1/intake_pb.js';
import { file_twins_v1_outcome } from './twins/v1/outcome_pb.js';
import { file_twins_v1_resource_event } from './twins/v1/resource_event_pb.js';
import { file_twins_v1_source } from './twins/v1/source_pb.js';
import { file_warming_v1_warming } from './warming/v1/warming_pb.js';

/** Every file of `schemas` that holds events, as generated. */
const FILES: readonly DescFile[] = [
  file_access_v1_audit,
  file_access_v1_relationship,
  file_calls_v1_call,
  file_membercron_v1_member_cron,
  file_rte_v1_completion,
  file_rte_v1_request,
  file_sessions_v1_care,
  file_sessions_v1_coverage,
  file_sessions_v1_lifecycle,
  file_sessions_v1_notification,
  file_sessions_v1_service_request,
  file_sessions_v1_task,
  file_twins_v1_dead_letter,
  file_twins_v1_directory,
  file_twins_v1_intake,
  file_twins_v1_outcome,
  file_twins_v1_resource_event,
  file_twins_v1_source,
  file_warming_v1_warming,
];

export interface EventKind {
  /** The word of `Header.type`, such as `rte.completed`. */
  readonly type: string;
  /** Without the prefix of an installation; absent for dead letters, which have a topic each. */
  readonly topic?: string;
  readonly schema: DescMessage;
}

/** Every message that is a record by itself. */
export const EVENTS: readonly EventKind[] = FILES.flatMap((file) =>
  file.messages
    .filter((schema) => hasOption(schema, event_type))
    .map((schema) => ({
      type: getOption(schema, event_type),
      ...(hasOption(schema, topic) && { topic: getOption(schema, topic) }),
      schema,
    })),
);

const BY_TYPE = new Map(EVENTS.map((kind) => [kind.type, kind]));
const BY_NAME = new Map(EVENTS.map((kind) => [kind.schema.typeName, kind]));

/** By the word, such as `rte.completed`. */
export function eventOfType(type: string): EventKind | undefined {
  return BY_TYPE.get(type);
}

/** By the whole name of the message, such as `rte.v1.RteCompletedEvent`. */
export function eventNamed(typeName: string): EventKind | undefined {
  return BY_NAME.get(typeName);
}

const MESSAGES = createRegistry(...FILES);

/** Any message of ours, also one that is only part of others. */
export function messageNamed(typeName: string): DescMessage | undefined {
  return MESSAGES.getMessage(typeName);
}

/** Path of the message's file within `schemas`. */
export function fileOf(schema: DescMessage): string {
  return `${schema.file.name}.proto`;
}
