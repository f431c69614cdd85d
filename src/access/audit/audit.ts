import { join } from 'node:path';
import type { AuditRow } from '../../contract/audit/row.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { startWorker, type WorkerHandle } from '../../kernel/worker.ts';
import type { Audit, AuditEntry, AuditTopic } from '../../twin/ports.ts';
import type { AuditMethods } from './audit.worker.ts';
import { rowIn } from './body.ts';
import { Checkpoints, type WitnessState } from './checkpoints.ts';
import { Collecting } from './collecting.ts';
import { type RightsOf, rightsFrom } from './disclosures.ts';
import { FailedAuthentications } from './failures.ts';
import { GroupCommit } from './group-commit.ts';
import { packed } from './packed.ts';
import { type AuditProof, proofOf } from './proof.ts';
import type { ReaderMethods } from './reader.worker.ts';
import { storable } from './record.ts';
import type { Generation, KeptRow, MemberQuery, RangeQuery } from './rows.ts';
import { Shipping, type ShippingState } from './shipping.ts';
import { createSigner, type Signer } from './signing.ts';
import { AuditThread } from './thread.ts';
import type { TrailRow } from './trail-row.ts';
import { openWitness, type Witness, type WitnessSettings } from './witness.ts';

export interface AuditOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** 32 bytes: the key that signs checkpoints is derived from it. */
  readonly signingKey: Uint8Array;
  /** Where checkpoints are kept besides; without it nobody can prove that nothing was cut off. */
  readonly witness?: WitnessSettings | undefined;
  readonly checkpointMs?: number;
  /** Where several instances tell each other of their rows. */
  readonly topic?: AuditTopic | undefined;
  /** Faults of ours, for the log. */
  readonly report: (error: unknown) => void;
  /** After each commit: how many records, and how long it took with its fsync. */
  readonly onCommit?: (records: number, seconds: number) => void;
  /** Of each record that is durable. */
  readonly onAppended?: (entry: AuditEntry) => void;
  /** Rows that are durable here and not in the topic yet. */
  readonly onLag?: (rows: number) => void;
}

export interface AuditState {
  readonly shipping: ShippingState | undefined;
  readonly witness: WitnessState;
}

export interface AuditTrail extends Audit, Service {
  /** Of one member, newest first; at most 1,000. */
  read(query: MemberQuery): Promise<{
    readonly rows: readonly AuditRow[];
    readonly complete: readonly { readonly instance: string; readonly time: string }[];
  }>;
  /** Of one member, newest first, with their places: to go on from the last. */
  ofMember(query: MemberQuery): Promise<TrailRow[]>;
  /** Of a time, oldest first, with their places. */
  inRange(query: RangeQuery): Promise<TrailRow[]>;
  /** Of one generation, in order. */
  rowsFrom(generation: string, index: number, limit: number): Promise<TrailRow[]>;
  generations(): Promise<Generation[]>;
  /** Up to when everything of each instance is here; this one first. */
  complete(): Promise<{ instance: string; time: string }[]>;
  /** Whose relations were found for whom, by this member: newest rows first, bounded. */
  rightsOf(member: string): Promise<RightsOf>;
  /** Signed checkpoints, of here, of the topic and of the witness. */
  notes(): Promise<readonly string[]>;
  verify(): Promise<AuditProof>;
  /** Signs how far the rows are now, and takes it to the witness. */
  checkpoint(): Promise<void>;
  /** A token that was refused, by our name of the rule. */
  failedAuthentication(rule: string): void;
  /** Whether records can be written, as far as the last commit tells. */
  ready(): boolean;
  state(): AuditState;
}

const READ_MAX = 1_000;
const RIGHTS_MAX = 10_000;
const CHECKPOINT_MS = 60_000;

/** @param spawn starts the thread that writes; tests bring their own. */
export function createAudit(
  options: AuditOptions,
  spawn: typeof startWorker<AuditMethods> = startWorker,
): AuditTrail {
  return new WorkerAudit(options, spawn);
}

class WorkerAudit implements AuditTrail {
  readonly name = 'audit';
  readonly #options: AuditOptions;
  readonly #own: string;
  readonly #trail: string | undefined;
  readonly #thread: AuditThread;
  readonly #commits: GroupCommit;
  readonly #signer: Signer;
  readonly #witness: Witness | undefined;
  readonly #checkpoints: Checkpoints;
  readonly #shipping: Shipping | undefined;
  readonly #collecting: Collecting | undefined;
  readonly #failures: FailedAuthentications;
  #reader: WorkerHandle<ReaderMethods> | undefined;
  #instance = '';
  #open = false;

  constructor(options: AuditOptions, spawn: typeof startWorker<AuditMethods>) {
    const { dataDir, clock, report, topic } = options;
    this.#options = options;
    this.#own = join(dataDir, 'audit.db');
    this.#trail = topic && join(dataDir, 'audit-trail.db');
    this.#thread = new AuditThread({ path: this.#own, clock, report, spawn });
    this.#signer = createSigner(options.signingKey);
    this.#witness = options.witness && openWitness(options.witness);
    const thread = { call: ((...args) => this.#thread.call(...args)) as AuditThread['call'] };
    const onLag = options.onLag ?? (() => undefined);
    this.#shipping = topic && new Shipping({ clock, thread, topic, report, onLag });
    this.#collecting =
      topic && this.#trail
        ? new Collecting({ path: this.#trail, clock, topic, report })
        : undefined;
    this.#checkpoints = new Checkpoints({
      ...{ clock, thread, report, signer: this.#signer, witness: this.#witness },
      everyMs: options.checkpointMs ?? CHECKPOINT_MS,
      onCheckpoint: (checkpoint) => this.#shipping?.tell(checkpoint),
    });
    this.#failures = new FailedAuthentications({ audit: this, clock, report });
    this.#commits = new GroupCommit({
      ...{ clock, report },
      write: (records) => this.#thread.call('append', packed(records)),
      onCommit: (records, seconds) => {
        options.onCommit?.(records, seconds);
        this.#shipping?.wake();
      },
    });
  }

  async start(): Promise<void> {
    await this.#thread.start();
    this.#open = true;
    this.#instance = (await this.#thread.call('head', undefined)).instance;
    await this.#collecting?.start();
    await this.#checkpoints.start();
    this.#shipping?.start();
  }

  async stop(): Promise<void> {
    this.#failures.flush();
    this.#open = false;
    await this.#thread.stop(async () => {
      await this.#commits.drain();
      if (this.#thread.alive) await this.#checkpoints.stop();
      await this.#shipping?.stop();
    });
    await this.#collecting?.stop();
    await this.#reader?.close();
    this.#reader = undefined;
  }

  async append(entry: AuditEntry): Promise<void> {
    if (!this.#open || !this.#thread.alive) throw new Fault('AUDIT_UNAVAILABLE');
    await this.#commits.add(storable(entry, this.#options.clock.now()));
    this.#options.onAppended?.(entry);
  }

  async read(query: MemberQuery) {
    const [found, complete] = await Promise.all([this.ofMember(query), this.complete()]);
    return { rows: found.map(({ row }) => row), complete };
  }

  async ofMember(query: MemberQuery): Promise<TrailRow[]> {
    const limit = Math.min(Math.max(query.limit, 0), READ_MAX);
    return (await this.#reading().call('ofMember', { ...query, limit })).map(trailRow);
  }

  async inRange(query: RangeQuery): Promise<TrailRow[]> {
    const limit = Math.min(Math.max(query.limit, 0), READ_MAX);
    return (await this.#reading().call('inRange', { ...query, limit })).map(trailRow);
  }

  async rowsFrom(generation: string, index: number, limit: number): Promise<TrailRow[]> {
    const asked = { generation, index, limit: Math.min(limit, READ_MAX) };
    return (await this.#reading().call('rowsFrom', asked)).map(trailRow);
  }

  async generations(): Promise<Generation[]> {
    return await this.#reading().call('generations', undefined);
  }

  async complete(): Promise<{ instance: string; time: string }[]> {
    const others = await this.#reading().call('complete', this.#instance);
    const time = new Date(this.#options.clock.now()).toISOString();
    return [{ instance: this.#instance, time }, ...others];
  }

  async rightsOf(member: string): Promise<RightsOf> {
    const kept = await this.#reading().call('rightsOf', { member, limit: RIGHTS_MAX });
    return rightsFrom(kept.map(trailRow));
  }

  async notes(): Promise<readonly string[]> {
    const kept = await this.#reading().call('notes', undefined);
    const outside = await (this.#witness?.notes() ?? Promise.resolve([]));
    return [...new Set([...kept, ...outside])];
  }

  async verify(): Promise<AuditProof> {
    if (!this.#thread.alive) throw new Fault('AUDIT_UNAVAILABLE');
    return await proofOf({
      ...{ own: this.#own, trail: this.#trail, signer: this.#signer },
      ...{ checkpoints: this.#checkpoints, witness: this.#witness },
    });
  }

  async checkpoint(): Promise<void> {
    await this.#checkpoints.take();
  }

  failedAuthentication(rule: string): void {
    this.#failures.failed(rule);
  }

  ready(): boolean {
    return this.#thread.alive && this.#commits.healthy;
  }

  state(): AuditState {
    return { shipping: this.#shipping?.state, witness: this.#checkpoints.state };
  }

  /** Begun when it is first asked, and anew after it has died. */
  #reading(): WorkerHandle<ReaderMethods> {
    if (!this.#open) throw new Fault('AUDIT_UNAVAILABLE');
    this.#reader ??= startWorker<ReaderMethods>({
      from: import.meta.url,
      file: './reader.worker',
      data: { own: this.#own, trail: this.#trail },
      onDeath: (error) => {
        this.#reader = undefined;
        this.#options.report(error);
      },
    });
    return this.#reader;
  }
}

function trailRow({ generation, instance, index, at, body }: KeptRow): TrailRow {
  return { generation, instance, index, at, body, row: rowIn(body) };
}
