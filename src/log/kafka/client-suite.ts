import { describe } from 'node:test';
import { brokerSuite } from './client-suite-broker.ts';
import { groupSuite } from './client-suite-group.ts';
import { readingSuite } from './client-suite-reading.ts';
import { rightsSuite } from './client-suite-rights.ts';
import { securitySuite } from './client-suite-security.ts';
import { transactionSuite } from './client-suite-transactions.ts';
import { writingSuite } from './client-suite-writing.ts';
import type { KafkaAdapter } from './create.ts';

const LIMIT = { timeout: 300_000 };

/** What every adapter of the Kafka port does, on a broker that really runs. */
export function clientSuite(which: KafkaAdapter): void {
  describe(`Kafka by ${which}: writing`, LIMIT, () => writingSuite(which));
  describe(`Kafka by ${which}: transactions`, LIMIT, () => transactionSuite(which));
  describe(`Kafka by ${which}: reading`, LIMIT, () => readingSuite(which));
  describe(`Kafka by ${which}: groups`, LIMIT, () => groupSuite(which));
  describe(`Kafka by ${which}: a broker that goes and comes`, LIMIT, () => brokerSuite(which));
  describe(`Kafka by ${which}: security`, LIMIT, () => securitySuite(which));
  describe(`Kafka by ${which}: rights`, LIMIT, () => rightsSuite(which));
}
