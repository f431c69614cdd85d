/** What commands do where no server runs: look, mend, move and restore. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { issuerFaults, mendSchema, spicedbFaults } from '../access/index.ts';
import { takeUpTrail } from '../access/restored-trail.ts';
import type { Config } from '../config/config.ts';
import { lockDataDir } from '../config/data-lock.ts';
import { loadKeys } from '../config/keys.ts';
import type { Restored } from '../contract/backups.ts';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { damageOf, MEND } from '../log/damaged.ts';
import type { KafkaSettings } from '../log/room-parts.ts';
import { renewLog } from '../log/schema.ts';
import { restoreBackup } from '../operations/backup/restore.ts';
import { collectStartFaults, type StartFault } from '../operations/start-faults.ts';
import { clockFaults, dataDirProbe, httpProbe, redisProbe } from '../operations/start-probes.ts';

/**
 * Between the embedded log of the data directory and Kafka, while no server runs on the directory.
 * @returns how many records @throws Error naming what stands in the way
 */
export async function replayLog(config: Config, into: 'kafka' | 'data-dir'): Promise<number> {
  const { kafka, dataDir, production } = config;
  if (kafka === undefined) throw new Error('KAFKA_BROKERS names no Kafka');
  const lock = await lockDataDir(dataDir);
  try {
    const transfer = await import('../log/transfer/index.ts');
    const { memberId: memberIdKey } = await loadKeys(config.keysFile);
    const of = { dataDir, kafka, memberIdKey, into, clock: systemClock };
    return await transfer.replayLog({ ...of, makeTopics: !production });
  } finally {
    lock.release();
  }
}

/**
 * A backup into the data directory, on which no server runs and which is empty but for the keys.
 * @throws Error naming what stands in the way
 */
export async function restoreBackupOf(config: Config, folder: string): Promise<Restored> {
  const { dataDir, keysFile, backupKey } = config;
  if (backupKey === undefined) throw new Error('BACKUP_KEY names no key that opens it');
  if (!existsSync(keysFile)) {
    throw new Error(`${keysFile} is not there: put the keys of that deployment into place first`);
  }
  const lock = await lockDataDir(dataDir);
  try {
    const { etag: deploymentKey } = await loadKeys(keysFile);
    const key = Buffer.from(backupKey, 'base64url');
    const proven = (path: string) => takeUpTrail(path, deploymentKey, systemClock.now());
    const into = { dataDir, key, deploymentKey, renewLog, verifyAudit: proven };
    return await restoreBackup({ ...into, folder });
  } finally {
    lock.release();
  }
}

/** For the commands that mend what keeps a server from starting. */
export { mendSchema };

// Whatever speaks with Kafka is loaded by who has one: its client takes a third of a start.
/** Compares the topics with what they should be, or makes them so. */
export async function mendTopics(kafka: KafkaSettings, action: 'diff' | 'apply') {
  return await (await import('../log/kafka/mend-topics.ts')).mendTopics(kafka, action);
}

async function topicFaultsOf(kafka: KafkaSettings, makeTopics: boolean) {
  return await (await import('../log/kafka/start-faults.ts')).kafkaFaults(kafka, makeTopics);
}

/** What keeps a server of this configuration from starting, of all its parts at once. */
export function startFaultsOf(config: Config, clock: Clock): Promise<readonly StartFault[]> {
  const { kafka, spicedb, redis, oauth, dataDir, production } = config;
  const registry = kafka?.schemaRegistry;
  const setting = 'SCHEMA_REGISTRY_URL';
  return collectStartFaults({
    DATA_DIR: dataDirProbe(dataDir, production),
    ...(kafka && { KAFKA_BROKERS: () => topicFaultsOf(kafka, !production) }),
    ...(registry && { [setting]: httpProbe(setting, registry, '/subjects', clock) }),
    ...(spicedb && { SPICEDB_ENDPOINT: () => spicedbFaults(spicedb) }),
    ...(oauth && { OAUTH_ISSUER: () => issuerFaults(oauth.issuer, clock, clockFaults) }),
    ...(redis && { REDIS_URL: redisProbe(redis, clock) }),
  });
}

/** What is wrong with the embedded log, for who looks at a server rather than starts it. */
export function logFaultsOf({ kafka, dataDir }: Config): readonly StartFault[] {
  if (kafka !== undefined) return [];
  const what = damageOf(join(dataDir, 'log.db'));
  return what === undefined ? [] : [{ part: 'log.db', what: `is damaged: ${what}`, mend: MEND }];
}
