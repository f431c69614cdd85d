/** Real-time eligibility: docs/eligibility.md. */

export { type BatchDesk, createBatchDesk } from './batch/desk.ts';
export { createBatchStorage } from './batch/embedded.ts';
export { BatchRunner } from './batch/runner.ts';
export { type Broker, createBroker } from './broker/broker.ts';
export { BROKER_DEFAULTS, type BrokerSettings } from './broker/settings.ts';
export { findFact } from './cache/lookup.ts';
export { Stedi, TIMEOUT_MS } from './clearinghouse/stedi.ts';
export { type CheckDesk, createCheckDesk, type Freshness } from './desk/desk.ts';
export { type EnrollmentDesk, Enrollments } from './enrollment/enrollments.ts';
export { createFacts, recordIds } from './fact/facts.ts';
export { createEmbeddedJournal } from './journal/embedded.ts';
export { CheckTable } from './journal/table.ts';
export { type Payers, readPayers } from './payers.ts';
export type { BatchClearinghouse, Clearinghouse, Facts } from './ports.ts';
export { SCHEDULER_DEFAULTS } from './scheduler/index.ts';
export { createShadow } from './shadow/shadow.ts';
export { startSimulator } from './simulator/server.ts';
export { createSubjects, type Subjects } from './subject.ts';
