import { join } from 'node:path';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { canonicalJson } from '../../kernel/json.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { startWorker, type WorkerHandle } from '../../kernel/worker.ts';
import type { Audit, AuditEntry } from '../../twin/ports.ts';
import type { AuditMethods } from './audit.worker.ts';
import type { Checkpoint } from './chain.ts';
import { GroupCommit } from './group-commit.ts';
import { type AuditRecord, membersOf, recordOf } from './record.ts';
import type { RecordQuery } from './store.ts';
import { type AuditVerdict, verifyAudit } from './verify.ts';

export interface AuditOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Faults of ours, for the log. */
  readonly report: (error: unknown) => void;
  /** After each commit: how many records, and how long it took with its fsync. */
  readonly onCommit?: (records: number, seconds: number) => void;
}

export interface AuditTrail extends Audit, Service {
  /** Newest first, for the access log; at most 1,000. */
  read(query: RecordQuery): Promise<{ seq: number; record: AuditRecord }[]>;
  /** The newest record, to be kept elsewhere: what truncation is found against. */
  head(): Promise<Checkpoint>;
  verify(outside?: Checkpoint): Promise<AuditVerdict>;
  /** Whether records can be written, as far as the last commit tells. */
  ready(): boolean;
}

const READ_MAX = 1_000;
/** Waits before the thread is started again; the last repeats. */
const RESTART_DELAYS_MS = [100, 250, 500, 1_000, 2_500, 5_000] as const;

/** @param spawn starts the thread; tests bring their own. */
export function createAudit(
  options: AuditOptions,
  spawn: typeof startWorker<AuditMethods> = startWorker,
): AuditTrail {
  return new WorkerAudit(options, spawn);
}

class WorkerAudit implements AuditTrail {
  readonly name = 'audit';
  readonly #options: AuditOptions;
  readonly #spawn: typeof startWorker<AuditMethods>;
  readonly #path: string;
  readonly #commits: GroupCommit;
  #worker: WorkerHandle<AuditMethods> | undefined;
  #restart: Timer | undefined;
  #deaths = 0;
  #stopped = true;

  constructor(options: AuditOptions, spawn: typeof startWorker<AuditMethods>) {
    this.#options = options;
    this.#spawn = spawn;
    this.#path = join(options.dataDir, 'audit.db');
    this.#commits = new GroupCommit({
      clock: options.clock,
      write: (records) => this.#thread().call('append', records),
      report: options.report,
      ...(options.onCommit && { onCommit: options.onCommit }),
    });
  }

  async start(): Promise<void> {
    this.#stopped = false;
    await this.#open();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#restart?.cancel();
    await this.#commits.drain();
    await this.#worker?.call('close', undefined).catch(this.#options.report);
    await this.#worker?.close();
    this.#worker = undefined;
  }

  async append(entry: AuditEntry): Promise<void> {
    if (this.#stopped || this.#worker === undefined) throw new Fault('AUDIT_UNAVAILABLE');
    const record = recordOf(entry, this.#options.clock.now());
    await this.#commits.add({ body: canonicalJson(record), members: membersOf(entry) });
  }

  async read(query: RecordQuery): Promise<{ seq: number; record: AuditRecord }[]> {
    const limit = Math.min(Math.max(query.limit, 0), READ_MAX);
    const rows = await this.#thread().call('read', { ...query, limit });
    return rows.map(({ seq, body }) => ({ seq, record: JSON.parse(body) as AuditRecord }));
  }

  async head(): Promise<Checkpoint> {
    return await this.#thread().call('head', undefined);
  }

  async verify(outside?: Checkpoint): Promise<AuditVerdict> {
    return await verifyAudit(this.#path, outside);
  }

  ready(): boolean {
    return this.#worker !== undefined && this.#commits.healthy;
  }

  #thread(): WorkerHandle<AuditMethods> {
    if (this.#worker === undefined) throw new Fault('AUDIT_UNAVAILABLE');
    return this.#worker;
  }

  async #open(): Promise<void> {
    const worker = this.#spawn({
      from: import.meta.url,
      file: './audit.worker',
      data: { path: this.#path },
      onDeath: (error) => this.#died(worker, error),
    });
    // Answers once the database is open and its last record was found in order.
    await worker.call('head', undefined);
    if (this.#stopped) return await worker.close();
    this.#deaths = 0;
    this.#worker = worker;
  }

  /** A thread that died takes no records with it: what it had not committed was refused. */
  #died(worker: WorkerHandle<AuditMethods>, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#options.report(error);
    this.#retry();
  }

  #retry(): void {
    if (this.#stopped) return;
    const delays = RESTART_DELAYS_MS;
    const delayMs = delays[Math.min(this.#deaths, delays.length - 1)] ?? delays[0];
    this.#deaths += 1;
    this.#restart = this.#options.clock.after(delayMs, () => {
      if (this.#stopped) return;
      this.#open().catch((error: unknown) => {
        this.#options.report(error);
        this.#retry();
      });
    });
  }
}
