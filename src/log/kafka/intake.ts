import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { WorkerHandle } from '../../kernel/worker.ts';
import type { BundleSubmission, Intake, IntakeReceipt, Place } from '../../twin/ports.ts';
import { partitionKey } from '../../twin/subjects.ts';
import {
  decodeOutcome,
  encodeBundle,
  encodeRecordCommand,
  type OutcomeResult,
  type OutMessage,
} from '../events/index.ts';
import type { KafkaClient, KafkaFollower, KafkaProducer, KafkaRecord } from './client.ts';
import { bounded } from './client-bounds.ts';
import type { DeciderMethods, DeciderTopics } from './decider-methods.ts';

export interface KafkaIntakeOptions {
  readonly client: Pick<KafkaClient, 'admin' | 'follow' | 'producer'>;
  readonly topics: Pick<DeciderTopics, 'intake' | 'outcomes'>;
  /** Of this instance's own decider, which knows what the active one has committed. */
  readonly call: WorkerHandle<DeciderMethods>['call'];
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

const compress = promisify(gzip);
/** Below, compressing costs more than it saves. */
const GZIP_FROM_BYTES = 4 * 1024;

/**
 * Says it on `twins.intake` and waits until the decider, here or elsewhere, has said what became of
 * it. An event that is said twice has one outcome, so whoever hears none may say it again.
 */
export function createKafkaIntake(options: KafkaIntakeOptions): Intake & Service {
  return new IntakeByKafka(options);
}

class IntakeByKafka implements Intake, Service {
  readonly name = 'intake';
  readonly #options: KafkaIntakeOptions;
  readonly #producer: KafkaProducer;
  readonly #waiting = new Map<string, Set<(result: OutcomeResult) => void>>();
  #outcomes: KafkaFollower | undefined;

  constructor(options: KafkaIntakeOptions) {
    this.#options = options;
    this.#producer = options.client.producer();
  }

  async start(): Promise<void> {
    const { client, topics, onError } = this.#options;
    await this.#producer.open();
    const ends = await client.admin.ends(topics.outcomes);
    this.#outcomes = client.follow({
      from: ends.map((offset, partition) => ({ topic: topics.outcomes, partition, offset })),
      onRecords: async (records) => {
        for (const record of records) this.#tell(record);
      },
      onTrouble: onError,
    });
    await this.#outcomes.start();
  }

  async stop(): Promise<void> {
    await this.#outcomes?.stop();
    await this.#producer.close();
  }

  async submitBundle(submission: BundleSubmission): Promise<IntakeReceipt> {
    const { call, clock } = this.#options;
    if (submission.dryRun === true) return await call('dryRun', { submission, at: clock.now() });
    const { tenant, source, actor, eventId, json, format = 'json' } = submission;
    const isLarge = json.length >= GZIP_FROM_BYTES;
    const body = isLarge ? await compress(json) : json;
    const bundle = { tenant, source, actor, eventId, format, gzip: isLarge, body, dryRun: false };
    // What one source says is decided in the order in which it says it.
    const messages = encodeBundle(bundle, `${tenant}/${source}`);
    const result = await this.#submit('receipt', submission, messages);
    if (result.kind === 'receipt') return result.receipt;
    throw new Fault('INTERNAL');
  }

  async submitRecord(record: Parameters<Intake['submitRecord']>[0]): Promise<Place> {
    const message = encodeRecordCommand(record, partitionKey(record.subject));
    const result = await this.#submit('place', record, [message]);
    if (result.kind === 'place') return result.place;
    throw new Fault('INTERNAL');
  }

  held(tenant: string) {
    return this.#options.call('held', { tenant });
  }

  async #submit(
    kind: 'receipt' | 'place',
    { tenant, eventId }: { readonly tenant: string; readonly eventId: string },
    messages: readonly OutMessage[],
  ): Promise<OutcomeResult> {
    const outcome = this.#outcomeOf(keysOf(kind, tenant, eventId));
    try {
      const topic = this.#options.topics.intake;
      for (const message of messages) {
        const sending = this.#producer.send([{ topic, ...message }]);
        await bounded('saying it', sending, LIMITS.sayTimeoutMs);
      }
    } catch (cause) {
      outcome.cancel();
      throw new Fault('LOG_UNAVAILABLE', { cause });
    }
    const result = await outcome.result;
    if (result.kind !== 'refusal') return result;
    throw new Fault(result.code, { detail: result.detail, data: result.data });
  }

  #outcomeOf(keys: readonly string[]): { result: Promise<OutcomeResult>; cancel(): void } {
    const { promise, resolve, reject } = Promise.withResolvers<OutcomeResult>();
    const timer = this.#options.clock.after(LIMITS.outcomeTimeoutMs, () => {
      end();
      const detail =
        'It is in the intake, and not decided yet: send it again later with the same event id.';
      reject(new Fault('LOG_UNAVAILABLE', { detail }));
    });
    const told = (result: OutcomeResult): void => {
      end();
      resolve(result);
    };
    const end = (): void => {
      timer.cancel();
      for (const key of keys) {
        const waiting = this.#waiting.get(key);
        waiting?.delete(told);
        if (waiting?.size === 0) this.#waiting.delete(key);
      }
    };
    for (const key of keys) {
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting.add(told));
    }
    promise.catch(() => undefined);
    return { result: promise, cancel: end };
  }

  #tell(record: KafkaRecord): void {
    try {
      const { tenant, eventId, result } = decodeOutcome(record);
      const [key = ''] = keysOf(result.kind, tenant, eventId);
      for (const told of [...(this.#waiting.get(key) ?? [])]) told(result);
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

/** A refusal answers whatever was asked with its event id. */
function keysOf(kind: OutcomeResult['kind'], tenant: string, eventId: string): string[] {
  const key = (one: OutcomeResult['kind']): string => JSON.stringify([one, tenant, eventId]);
  return kind === 'refusal' ? [key(kind)] : [key(kind), key('refusal')];
}
