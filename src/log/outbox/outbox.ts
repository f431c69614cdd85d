import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inBatches } from '../../kernel/batches.ts';
import type { Clock } from '../../kernel/clock.ts';
import { asFault, Fault } from '../../kernel/errors.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { startWorker, type WorkerHandle } from '../../kernel/worker.ts';
import type {
  EventDelivery,
  HeldReceipt,
  HeldRecords,
  HoldingIntake,
  Intake,
} from '../../twin/ports.ts';
import { isReadOnly } from '../damaged.ts';
import { Drain } from './drain.ts';
import type { OutboxMethods, OutboxWorkerData } from './outbox.worker.ts';
import type { Holding, Load, OutboxBounds } from './store.ts';
import { type Held, holdBundle, holdRecord } from './submission.ts';

export interface OutboxOptions {
  /** The outbox is `outbox.db` in it; on a volume that outlives the process. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** The flag `event-delivery`, asked for each submission. */
  readonly delivery: () => Promise<EventDelivery>;
  /** What only an operator can mend: a thread that died, submissions that were set aside. */
  readonly onError: (error: unknown) => void;
  /** Told at the end where something is still held. */
  readonly onLeft?: (load: Load) => void;
  readonly bounds?: OutboxBounds;
}

export interface Outbox extends HoldingIntake, Service {
  /** For readiness. */
  state(): OutboxState;
  /** Leaves no byte of what has gone in its file. */
  purge(): Promise<void>;
}

/** What is held here. */
export interface OutboxState extends Load {
  /** Whether the log was away when it was last asked. */
  readonly away: boolean;
  /** Whether there is a thread that could hold anything. */
  readonly alive: boolean;
}

const BATCH = { itemsMax: 500, bytesMax: 64 * 1024 * 1024 };
/** Of submissions on their way to the disk. */
const PENDING_BYTES_MAX = 256 * 1024 * 1024;

/**
 * An intake that goes on while the log is away (design §6): unconditional facts are fsynced here and
 * answered `held`; they reach the log in the order in which they were held, each once in effect by
 * its event id, and no reader before. While anything is held, newer facts queue behind it.
 */
export function withOutbox(intake: Intake, options: OutboxOptions): Outbox {
  return new DurableOutbox(intake, options);
}

class DurableOutbox implements Outbox {
  readonly name = 'outbox';
  readonly #intake: Intake;
  readonly #options: OutboxOptions;
  readonly #hold: (item: Held) => Promise<Holding>;
  readonly #drain: Drain;
  #worker: WorkerHandle<OutboxMethods> | undefined;
  #dead = false;
  /** On their way to the disk: what comes after them may not overtake them either. */
  #pending = 0;
  #pendingBytes = 0;

  constructor(intake: Intake, options: OutboxOptions) {
    this.#intake = intake;
    this.#options = options;
    const write = (items: readonly Held[]) => this.#thread().call('hold', { items });
    this.#hold = inBatches(write, BATCH, ({ body }) => body.byteLength);
    const { clock, delivery, onError } = options;
    const call: WorkerHandle<OutboxMethods>['call'] = (...asked) => this.#thread().call(...asked);
    this.#drain = new Drain({ intake, store: { call }, clock, delivery, onError });
  }

  async start(): Promise<void> {
    const { dataDir, bounds, onError } = this.#options;
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const { outboxSubmissionsMax: submissionsMax, outboxBytesMax: bytesMax } = LIMITS;
    const data: OutboxWorkerData = {
      path: join(dataDir, 'outbox.db'),
      bounds: bounds ?? { submissionsMax, bytesMax },
    };
    this.#worker = startWorker<OutboxMethods>({
      from: import.meta.url,
      file: './outbox.worker',
      data,
      onDeath: (error) => {
        this.#dead = true;
        onError(error);
      },
    });
    await this.#drain.start();
  }

  async stop(): Promise<void> {
    if (this.#worker === undefined) return;
    await this.#drain.stop();
    const { load } = this.#drain;
    if (load.submissions > 0) this.#options.onLeft?.(load);
    const worker = this.#worker;
    await worker.call('close', null).catch(this.#options.onError);
    this.#worker = undefined;
    await worker.close();
  }

  state(): OutboxState {
    const { load, away: isAway } = this.#drain;
    return { ...load, away: isAway, alive: this.#worker !== undefined && !this.#dead };
  }

  purge(): Promise<void> {
    return this.#thread().call('purge', null);
  }

  submitBundle: HoldingIntake['submitBundle'] = (submission) => {
    const direct = () => this.#intake.submitBundle(submission);
    // A dry run asks what the log would say, and a command what is so now: nothing to hold.
    if (submission.dryRun === true || submission.conditional === true) return direct();
    return this.#submit(direct, () => holdBundle(submission, this.#options.clock.now()));
  };

  submitRecord: HoldingIntake['submitRecord'] = (record) => {
    const direct = () => this.#intake.submitRecord(record);
    return this.#submit(direct, () => holdRecord(record, this.#options.clock.now()));
  };

  async held(tenant: string): Promise<HeldRecords> {
    const own = await this.#thread().call('ofTenant', { tenant });
    const { refused, ...rest } = await this.#ofLog(tenant);
    const records = [...own.refused.records, ...refused.records]
      .sort((a, b) => (a.at < b.at ? 1 : -1))
      .slice(0, LIMITS.entriesToldMax);
    return {
      ...rest,
      refused: { count: own.refused.count + refused.count, records },
      ...(own.outbox !== undefined && { outbox: own.outbox }),
    };
  }

  async #ofLog(tenant: string): Promise<HeldRecords> {
    try {
      return await this.#intake.held(tenant);
    } catch (error) {
      if (!isAway(error)) throw error;
      const nothing = { count: 0, records: [] };
      return { waiting: { ...nothing, bytes: 0 }, refused: nothing, logAway: true };
    }
  }

  async #submit<T>(direct: () => Promise<T>, held: () => Held): Promise<T | HeldReceipt> {
    const delivery = await this.#options.delivery();
    const isFirst = this.#pending === 0 && this.#drain.load.submissions === 0;
    if (delivery === 'log' && !isFirst) throw away('What this instance holds goes first.');
    if (delivery === 'log') return await direct();
    if (delivery === 'auto' && isFirst) {
      try {
        const taken = await direct();
        this.#drain.away = false;
        return taken;
      } catch (error) {
        // It may have been taken after all: then its event id has no second effect.
        if (!isAway(error) || isReadOnly(error)) throw error;
        this.#drain.away = true;
      }
    }
    return await this.#keep<T>(held());
  }

  /** Durable when it resolves. While the log is there, waits its turn to answer what became of it. */
  async #keep<T>(item: Held): Promise<T | HeldReceipt> {
    const bytes = item.body.byteLength + item.head.length;
    if (this.#pendingBytes + bytes > PENDING_BYTES_MAX) throw full();
    this.#pending += 1;
    this.#pendingBytes += bytes;
    let turn: Promise<unknown>;
    try {
      const holding = await this.#hold(item);
      if (holding === 'full') throw full();
      turn = this.#drain.added(holding);
    } finally {
      this.#pending -= 1;
      this.#pendingBytes -= bytes;
    }
    return ((await turn) as T | undefined) ?? { held: true, eventId: item.eventId };
  }

  #thread(): WorkerHandle<OutboxMethods> {
    if (this.#worker === undefined) throw away();
    return this.#worker;
  }
}

export function isAway(error: unknown): boolean {
  return asFault(error).code === 'LOG_UNAVAILABLE';
}

function away(detail?: string): Fault {
  return new Fault('LOG_UNAVAILABLE', detail === undefined ? {} : { detail });
}

function full(): Fault {
  return away('The log is away, and this instance holds as much as it may: nothing was stored.');
}
