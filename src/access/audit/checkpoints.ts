import type { Clock } from '../../kernel/clock.ts';
import type { ShippedCheckpoint } from '../../twin/ports.ts';
import { Repeating } from './repeating.ts';
import type { Signer } from './signing.ts';
import type { Head } from './store.ts';
import type { AuditThread } from './thread.ts';
import { type OutsideCheckpoint, outsideOf } from './verify.ts';
import { type Witness, WitnessKnows, WitnessRefuses } from './witness.ts';

export interface CheckpointOptions {
  readonly clock: Clock;
  readonly thread: Pick<AuditThread, 'call'>;
  readonly signer: Signer;
  readonly witness: Witness | undefined;
  readonly everyMs: number;
  readonly report: (error: unknown) => void;
  /** Each signed checkpoint, once it is kept. */
  readonly onCheckpoint: (checkpoint: ShippedCheckpoint) => void;
}

/** What the witness said last. */
export interface WitnessState {
  readonly kind: Witness['kind'] | 'none';
  /** Rows of the present generation that it has a checkpoint of. */
  readonly size: number;
  /** ISO 8601 */
  readonly at?: string;
  /** Why the last one did not reach it. */
  readonly fault?: string;
}

/** While nothing new is written, how often it is said that there is nothing new. */
const HEARTBEAT_MS = 30_000;
/** At the end; a witness that is away must not keep the process. */
const LAST_MS = 2_000;

/** Signs how far the rows are, keeps it here and takes it outside, every so many seconds. */
export class Checkpoints {
  readonly #options: CheckpointOptions;
  readonly #loop: Repeating;
  #generation = '';
  #signed = 0;
  #signedAtMs = Number.NEGATIVE_INFINITY;
  #state: WitnessState;
  /** One after the other. */
  #taking: Promise<unknown> = Promise.resolve();

  constructor(options: CheckpointOptions) {
    this.#options = options;
    this.#state = { kind: options.witness?.kind ?? 'none', size: 0 };
    this.#loop = new Repeating(options.clock, async () => {
      await this.take().catch(options.report);
    });
  }

  get state(): WitnessState {
    return this.#state;
  }

  /** A store that was set back behind what a witness knows of it goes on as another log. */
  async start(): Promise<void> {
    const { thread, report } = this.#options;
    const head = await thread.call('head', undefined);
    const known = await this.outside().catch((error: unknown) => {
      report(error);
      return [];
    });
    const last = lastOf(known, head.generation);
    if (last !== undefined) {
      const root = await thread.call('root', last.size);
      const fits = root !== undefined && Buffer.compare(root, last.root) === 0;
      if (fits) this.#seen(last.size, last.at);
      else await this.#beginAnew(last.size);
    }
    this.#loop.start(() => this.#options.everyMs);
  }

  async stop(): Promise<void> {
    if (this.#loop.stopped) return;
    const { clock, report } = this.#options;
    await this.#loop.stop();
    const late = Promise.withResolvers<void>();
    const timer = clock.after(LAST_MS, late.resolve);
    await Promise.race([this.take().catch(report), late.promise]);
    timer.cancel();
  }

  /** Signs what is new and takes it outside; says so to the others even where nothing is new. */
  take(): Promise<Head> {
    const taken = this.#taking.then(() => this.#take());
    this.#taking = taken.catch(() => undefined);
    return taken;
  }

  async #take(): Promise<Head> {
    const { thread, clock, signer, onCheckpoint } = this.#options;
    const head = await thread.call('head', undefined);
    if (head.generation !== this.#generation) {
      [this.#generation, this.#signed] = [head.generation, 0];
    }
    const isNew = head.size > this.#signed;
    const beats = clock.monotonic() - this.#signedAtMs >= HEARTBEAT_MS;
    if (!isNew && !beats && this.#state.fault === undefined) return head;
    const at = new Date(clock.now()).toISOString();
    const { generation, instance, size } = head;
    const note = signer.checkpoint(head, at);
    if (isNew) await thread.call('keepCheckpoint', { size, at, note });
    [this.#signed, this.#signedAtMs] = [size, clock.monotonic()];
    onCheckpoint({ generation, instance, size, at, note });
    if (size > this.#state.size) await this.#witness(head, note, at, this.#state.size);
    return head;
  }

  /** What is known outside, by our own signature. */
  async outside(): Promise<OutsideCheckpoint[]> {
    const { witness, signer } = this.#options;
    return outsideOf((await witness?.notes()) ?? [], signer.publicKey);
  }

  /** @param again whether it may say once which size it knows */
  async #witness(head: Head, note: string, at: string, from: number, again = true): Promise<void> {
    const { thread, witness } = this.#options;
    if (witness === undefined) return;
    const { generation, size } = head;
    try {
      const proof = await thread.call('proof', { from, to: size });
      await witness.add({ generation, note, size, from, proof });
      this.#seen(size, at);
    } catch (error) {
      // It knows more than we do, or else: another log than this one.
      if (error instanceof WitnessKnows && error.size > size)
        return await this.#beginAnew(error.size);
      if (error instanceof WitnessKnows && error.size !== from && again) {
        return await this.#witness(head, note, at, error.size, false);
      }
      const fault = error instanceof WitnessRefuses ? error.message : 'it cannot be reached';
      this.#state = { ...this.#state, fault };
      throw error;
    }
  }

  async #beginAnew(known: number): Promise<void> {
    const { thread, clock, report } = this.#options;
    const why = `the witness knows ${known} rows of it that are not these`;
    await thread.call('beginGeneration', { why, nowMs: clock.now() });
    this.#state = { kind: this.#state.kind, size: 0 };
    report(new Error(`the audit begins another generation: ${why}`));
  }

  #seen(size: number, at: string | undefined): void {
    this.#state = { kind: this.#state.kind, size, ...(at !== undefined && { at }) };
  }
}

function lastOf(
  known: readonly OutsideCheckpoint[],
  generation: string,
): OutsideCheckpoint | undefined {
  const own = known.filter((one) => one.generation === generation);
  return own.toSorted((a, b) => a.size - b.size).at(-1);
}
