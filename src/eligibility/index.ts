/** Real-time eligibility: docs/eligibility.md. */

export { type Broker, createBroker } from './broker/broker.ts';
export { BROKER_DEFAULTS, type BrokerSettings } from './broker/settings.ts';
export { findFact } from './cache/lookup.ts';
export { Stedi, TIMEOUT_MS } from './clearinghouse/stedi.ts';
export { type CheckDesk, createCheckDesk, type Freshness } from './desk/desk.ts';
export { createFacts, recordIds } from './fact/facts.ts';
export { createEmbeddedJournal } from './journal/embedded.ts';
export { CheckTable } from './journal/table.ts';
export { createPayers, type Payer, type Payers } from './payers.ts';
export type { Clearinghouse } from './ports.ts';
export { SCHEDULER_DEFAULTS } from './scheduler/index.ts';
export { createShadow } from './shadow/shadow.ts';
export { startSimulator } from './simulator/server.ts';
export { createSubjects } from './subject.ts';
