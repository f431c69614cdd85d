import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { startWorker } from '../../kernel/worker.ts';
import type { EventLog, Intake, Leadership } from '../../twin/ports.ts';
import { type Letters, letterOf } from '../consumers/dead-letter.ts';
import { type Reason, Rejected } from '../consumers/event.ts';
import { decodeSource, Undecodable } from '../events/index.ts';
import type { DecidingRules } from '../identity.ts';
import type { LogIdentity } from '../schema.ts';
import type { KafkaClient, KafkaMessage } from './client.ts';
import { KafkaDecider } from './decider.ts';
import type { DeciderMethods, DeciderTopics, DeciderWorkerData } from './decider-methods.ts';
import { createKafkaEventLog } from './event-log.ts';
import type { Unreadable } from './inbox.ts';
import { createKafkaIntake } from './intake.ts';

export interface KafkaLogOptions extends DecidingRules {
  readonly client: KafkaClient;
  readonly topics: DeciderTopics;
  readonly identity: LogIdentity;
  readonly intakePartitions: number;
  /** Shared by all deciders of one deployment. */
  readonly transactionalId: string;
  /** Of this instance; what its decider knows is `decider.db` in it. */
  readonly dataDir: string;
  readonly leadership: Leadership & Service;
  /** How what cannot be read is sealed. */
  readonly letters: Letters;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

export interface KafkaLog extends Service {
  readonly log: EventLog;
  readonly intake: Intake;
  /** Whether this instance decides now. */
  readonly leads: boolean;
  /** Leaves no byte of what was forgotten in this instance's `decider.db`. */
  purge(): Promise<void>;
}

/** The log, its intake and one of its deciders, on topics that are there already. */
export function createKafkaLog(options: KafkaLogOptions): KafkaLog {
  const { client, topics, identity, dataDir, leadership, clock, onError } = options;
  const { memberIds, memberIdKey, etagKey } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const rules = { memberIds, memberIdKey, etagKey };
  const data: DeciderWorkerData = { path: join(dataDir, 'decider.db'), identity, rules, topics };
  const worker = startWorker<DeciderMethods>({
    from: import.meta.url,
    file: './decider.worker',
    data,
    onDeath: onError,
    onEvent: (event) => onError((event as { trouble: unknown }).trouble),
  });
  const { call } = worker;
  const log = createKafkaEventLog({
    client,
    topic: topics.sources,
    identity,
    decode: (record) => decodeSource(record).record,
    onError,
  });
  const intake = createKafkaIntake({ client, topics, call, clock, onError });
  const decider = new KafkaDecider({
    ...{ client, topics, call, clock, onError, leadership },
    transactionalId: options.transactionalId,
    partitions: {
      intake: options.intakePartitions,
      sources: identity.partitions,
      directory: topics.directoryPartitions,
    },
    deadLetter: (unreadable) => letterFor(options.letters, unreadable, clock.now()),
  });
  return {
    name: 'log',
    log,
    intake,
    get leads() {
      return decider.leads;
    },
    async purge() {
      while (!(await call('purge', null))) await delay(clock, PURGE_AGAIN_MS);
    },
    async start() {
      await call('open', { at: clock.now() });
      await intake.start();
      await decider.start();
      await leadership.start();
    },
    async stop() {
      await leadership.stop();
      await decider.stop();
      await intake.stop();
      await log.stop();
      await call('close', null).catch(onError);
      await worker.close();
    },
  };
}

/** A decision is with Kafka for some milliseconds. */
const PURGE_AGAIN_MS = 20;

function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

function letterFor(letters: Letters, { record, error }: Unreadable, nowMs: number): KafkaMessage {
  const reason = reasonOf(error);
  const times = { firstFailed: nowMs, lastFailed: nowMs };
  return letterOf(letters, record, { reason, attempts: 1, consumer: 'decider', ...times });
}

function reasonOf(error: unknown): Reason {
  if (error instanceof Rejected) return 'REJECTED';
  return error instanceof Undecodable ? error.reason : 'MALFORMED';
}
