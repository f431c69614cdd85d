/** Events to records of Kafka and back: pure functions on bytes, with no client library. */

export { decodeAudit, encodeAuditCheckpoint, encodeAuditRow } from './audits.ts';
export {
  checkEventMessage,
  decodeCheckStep,
  encodeCheckEvent,
  encodeCheckStep,
} from './checks.ts';
export { decodeDirectory, encodeDirectory } from './directory.ts';
export { decodeOutcome, encodeOutcome, type Outcome, type OutcomeResult } from './outcomes.ts';
export { isRegistryFault, toOwnFrame, toRegistryFrame } from './reframe.ts';
export { createRegistry, type Registry, type RegistryOptions } from './registry.ts';
export { RegistryFault, type RegistryFaultKind } from './registry-client.ts';
export {
  decodeRelation,
  encodeRelation,
  type JournalEntry,
} from './relations.ts';
export { ownIds, type SchemaIds } from './schema-ids.ts';
export { decodeSource, encodeSource } from './sources.ts';
export {
  decodeSubmission,
  encodeBundle,
  encodeRecordCommand,
  inflated,
  isPlain,
  type Submission,
  type SubmittedBundle,
  type SubmittedRecord,
  type UnacceptedRecord,
} from './submissions.ts';
export { Undecodable, type UndecodableReason } from './undecodable.ts';
export {
  HEADERS,
  type InMessage,
  inEvent,
  inMessage,
  type OutMessage,
  outMessage,
} from './wire.ts';
