import { mkdirSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { Snapshot } from '../contract/snapshots.ts';
import { inBatches } from '../kernel/batches.ts';
import type { Clock, Timer } from '../kernel/clock.ts';
import { openForReading } from '../kernel/sqlite.ts';
import { startWorker, type WorkerHandle } from '../kernel/worker.ts';
import { FORGOTTEN } from '../twin/control.ts';
import type { ChangeBus, EventLog, LogRecord, ViewChange, ViewShard } from '../twin/ports.ts';
import type { Applied, Batch } from './apply.ts';
import { createFeeder, type Feeder } from './feeder.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { createShard } from './shard.ts';
import { createSnapshot } from './snapshots/create.ts';
import { removeAll, removeNamed } from './snapshots/folder.ts';
import type { Standing } from './snapshots/manifest.ts';
import { listSnapshots, type Refused } from './snapshots/restore.ts';
import type { Waiters } from './waiters.ts';
import { type LogState, type ViewWriter, viewPath } from './writer.ts';

export interface ViewWorkerData {
  readonly dataDir: string;
  /** Where snapshots are; a view that is not there yet starts from one of them. */
  readonly snapshotDir: string;
  readonly etagKey: Uint8Array;
  readonly projection: string | undefined;
  /** Of one: counts what the thread has committed, before it tells of it. */
  readonly commits: Int32Array;
}

export interface Opened extends Pick<ViewWriter, 'places' | 'rebuilding'> {
  /** Version of the projection. */
  readonly projection: number;
  /** Snapshots that it did not start from, with the reason. */
  readonly refused: readonly Refused[];
}

export type ViewMethods = {
  open(log: LogState): Promise<Opened>;
  apply(args: { batches: readonly Batch[]; at: number }): Applied[];
  confirm(args: { ends: readonly number[]; at: number }): void;
  finish(args: { at: number }): ViewChange[];
  purge(args: null): void;
  close(args: null): void;
};

export interface LifeOptions extends Omit<ViewWorkerData, 'commits'> {
  readonly log: EventLog;
  readonly bus: ChangeBus;
  readonly waiters: Waiters;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  readonly onLag: (seconds: number) => void;
  readonly batchSize: number;
  readonly onForgotten: () => void;
}

/** Without a new record too, a view that follows is known to have everything. */
const CONFIRM_EVERY_MS = 3_600_000;

/** One life of a view, from its start to its stop: a thread that writes, and a reader beside it. */
export class Life {
  readonly #options: LifeOptions;
  readonly #worker: WorkerHandle<ViewMethods>;
  readonly #commits = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #feeder: Feeder | undefined;
  #reader: DatabaseSync | undefined;
  #shard: ViewShard | undefined;
  #confirming: Timer | undefined;
  /** A look at the log's end that is under way. */
  #looking: Promise<void> | undefined;
  #projection = 0;
  /** Nothing of a view that is being built anew is told. */
  #building = false;

  constructor(options: LifeOptions) {
    const { dataDir, snapshotDir, etagKey, projection, onError } = options;
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    this.#options = options;
    const commits = this.#commits;
    this.#worker = startWorker({
      from: import.meta.url,
      file: './view.worker',
      data: { dataDir, snapshotDir, etagKey, projection, commits } satisfies ViewWorkerData,
      onDeath: onError,
    });
  }

  async start(): Promise<void> {
    const { log, clock, onError, batchSize } = this.#options;
    const opened = await this.#worker.call('open', await this.#logNow());
    for (const { name, reason } of opened.refused) {
      onError(new Error(`the view does not start from the snapshot ${name}: ${reason}`));
    }
    const { places } = opened;
    this.#projection = opened.projection;
    this.#building = opened.rebuilding;
    if (log.damaged === true) return this.#read();
    const bounds = { itemsMax: log.partitions, bytesMax: batchSize };
    const gathered = inBatches(
      (batches: readonly Batch[]) => this.#applyAll(batches),
      bounds,
      ({ records }) => records.length,
      // Partitions that were fetched together are applied together.
      () => setImmediate(),
    );
    const apply = (batch: Batch): Promise<void> => this.#apply(batch, gathered);
    this.#feeder = createFeeder({ log, clock, onError, batchSize, places, apply });
    if (!this.#building) this.#read();
    await this.#feeder.catchUp();
    if (this.#building) {
      const changes = await this.#worker.call('finish', { at: clock.now() });
      this.#building = false;
      this.#read();
      this.#tell(changes);
    }
    await this.#confirm();
    this.#feeder.follow();
  }

  async stop(): Promise<void> {
    this.#confirming?.cancel();
    await this.#looking;
    await this.#feeder?.stop();
    this.#reader?.close();
    await this.#worker.call('close', null).catch(this.#options.onError);
    await this.#worker.close();
  }

  get shard(): ViewShard {
    if (this.#shard === undefined) throw new Error('the view has not been started');
    return this.#shard;
  }

  async createSnapshot(): Promise<Snapshot> {
    const { dataDir, snapshotDir, log, etagKey, clock } = this.#options;
    const { epoch, partitions } = log;
    const of = { view: viewPath(dataDir), folder: snapshotDir, epoch, partitions, etagKey };
    return await createSnapshot({ ...of, at: clock.now() });
  }

  /** Of the view and of what was copied from it: snapshots hold whoever was forgotten since. */
  async purge(): Promise<{ snapshotsRemoved: number }> {
    await this.#worker.call('purge', null);
    return { snapshotsRemoved: await removeAll(this.#options.snapshotDir) };
  }

  async removeSnapshots(names: readonly string[]): Promise<void> {
    await removeNamed(this.#options.snapshotDir, names);
  }

  async listSnapshots(): Promise<Snapshot[]> {
    const { snapshotDir, etagKey } = this.#options;
    const standing: Standing = {
      ...(await this.#logNow()),
      projection: this.#projection,
      schema: SCHEMA_VERSION,
      etagKey,
    };
    return await listSnapshots(snapshotDir, standing);
  }

  async #logNow(): Promise<LogState> {
    const { log, clock } = this.#options;
    const { epoch, partitions, damaged = false } = log;
    const at = clock.now();
    return { epoch, partitions, ends: damaged ? [] : await log.ends(), at, damaged };
  }

  #read(): void {
    const { dataDir, log } = this.#options;
    this.#reader = openForReading(viewPath(dataDir));
    this.#shard = createShard(this.#reader, log.partitions, () => Atomics.load(this.#commits, 0));
  }

  /** While one transaction is being applied, partitions gather for the next. */
  async #applyAll(batches: readonly Batch[]): Promise<readonly (Applied | Error)[]> {
    const { clock } = this.#options;
    const apply = (some: readonly Batch[]): Promise<Applied[]> =>
      this.#worker.call('apply', { batches: some, at: clock.now() });
    try {
      return await apply(batches);
    } catch (error) {
      if (batches.length === 1) throw error;
      // One of them keeps none of the others from being applied.
      const alone = batches.map(async (batch) => (await apply([batch]))[0] ?? NOTHING);
      const settled = await Promise.allSettled(alone);
      return settled.map((one) => (one.status === 'fulfilled' ? one.value : toError(one.reason)));
    }
  }

  async #apply(batch: Batch, gathered: Gathered): Promise<void> {
    const { clock, onError, waiters, onLag, onForgotten } = this.#options;
    const { changes, failures } = await gathered(batch);
    for (const { subject, message } of failures) {
      onError(new Error(`the projection of ${subject} failed`, { cause: message }));
    }
    if (this.#building) return;
    this.#tell(changes);
    if (batch.records.some(forgets)) onForgotten();
    waiters.reached(batch.partition, batch.upTo);
    if (batch.records.length > 0) onLag(lagSeconds(batch, clock.now()));
  }

  /** Told only after the commit: whoever hears of a change can read it. */
  #tell(changes: readonly ViewChange[]): void {
    if (changes.length > 0) this.#options.bus.publish(changes);
  }

  async #confirm(): Promise<void> {
    const { clock, onError } = this.#options;
    const again = (): void => {
      this.#looking = this.#confirm().catch(onError);
    };
    this.#confirming = clock.after(CONFIRM_EVERY_MS, again);
    const { ends, at } = await this.#logNow();
    await this.#worker.call('confirm', { ends, at });
  }
}

function forgets({ type, resource }: LogRecord): boolean {
  return type === FORGOTTEN.type && resource !== null;
}

type Gathered = (batch: Batch) => Promise<Applied>;

const NOTHING: Applied = { changes: [], failures: [] };

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** From the log's acceptance of the newest record to its being readable. */
function lagSeconds({ records }: Batch, nowMs: number): number {
  return (nowMs - Date.parse(records.at(-1)?.provenance.recorded ?? '')) / 1000;
}
