import { describe } from 'node:test';
import { brokerSuite } from './client-suite-broker.rig.ts';
import { groupSuite } from './client-suite-group.rig.ts';
import { readingSuite } from './client-suite-reading.rig.ts';
import { rightsSuite } from './client-suite-rights.rig.ts';
import { securitySuite } from './client-suite-security.rig.ts';
import { transactionSuite } from './client-suite-transactions.rig.ts';
import { writingSuite } from './client-suite-writing.rig.ts';
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
