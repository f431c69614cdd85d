import type { Clock } from '../../kernel/clock.ts';
import { asFault, type Fault } from '../../kernel/errors.ts';
import type { WorkerHandle } from '../../kernel/worker.ts';
import type { EventDelivery, Intake } from '../../twin/ports.ts';
import type { OutboxMethods } from './outbox.worker.ts';
import type { Holding, Load, Queued, Refused } from './store.ts';
import { submitHeld } from './submission.ts';

export interface DrainParts {
  readonly intake: Intake;
  readonly store: Pick<WorkerHandle<OutboxMethods>, 'call'>;
  readonly clock: Clock;
  readonly delivery: () => Promise<EventDelivery>;
  readonly onError: (error: unknown) => void;
}

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 5_000;
/** How often the flag is looked at while it forbids to drain. */
const FLAG_LOOK_MS = 1_000;
/** A submission that meets a fault of ours this often is set aside. */
const TRIES_MAX = 3;
/**
 * While the log is there, whoever submits waits this long for its turn: so nobody fills the queue
 * faster than it empties, and most are answered with what became of it.
 */
const TURN_WAIT_MS = 2_000;

/** Gives what is held to the log, one after the other, and removes it once the log has it. */
export class Drain {
  readonly #parts: DrainParts;
  readonly #turns = new Map<number, Turn[]>();
  #load: Load = { submissions: 0, bytes: 0 };
  #away = false;
  #running: Promise<void> | undefined;
  #stopped = false;
  #backoffMs = BACKOFF_MIN_MS;
  /** How often the oldest one has met a fault of ours. */
  #tries = 0;
  #wake: () => void = () => undefined;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  get load(): Load {
    return this.#load;
  }

  get away(): boolean {
    return this.#away;
  }

  /** Nobody waits for a turn while there is none. */
  set away(away: boolean) {
    this.#away = away;
    if (!away) return;
    const turns = [...this.#turns.values()].flat();
    this.#turns.clear();
    for (const turn of turns) turn.resolve(undefined);
  }

  async start(): Promise<void> {
    this.#load = await this.#parts.store.call('load', null);
    this.#stopped = false;
    this.#kick();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.away = true;
    this.#wake();
    await this.#running;
  }

  /** Answers what the intake said once it was its turn; `undefined` where that takes too long. */
  added({ number, bytes }: Exclude<Holding, 'full'>): Promise<unknown> {
    if (bytes > 0) this.#count(1, bytes);
    this.#kick();
    if (this.#away || this.#stopped) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const late = this.#parts.clock.after(TURN_WAIT_MS, () => resolve(undefined));
      const turn: Turn = {
        resolve(outcome) {
          late.cancel();
          resolve(outcome);
        },
        reject(fault) {
          late.cancel();
          reject(fault);
        },
      };
      this.#turns.set(number, [...(this.#turns.get(number) ?? []), turn]);
    });
  }

  #kick(): void {
    if (this.#running !== undefined || this.#stopped) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#load.submissions > 0) this.#kick();
    });
  }

  async #run(): Promise<void> {
    while (!this.#stopped && this.#load.submissions > 0) {
      try {
        await this.#pause(await this.#step());
      } catch (error) {
        this.#parts.onError(error);
        await this.#pause(BACKOFF_MAX_MS);
      }
    }
  }

  /** Answers how long to wait before the next, milliseconds. */
  async #step(): Promise<number> {
    const { delivery, store, intake } = this.#parts;
    if ((await delivery()) === 'poll') {
      this.away = true;
      return FLAG_LOOK_MS;
    }
    const next = await store.call('first', null);
    if (next === undefined) {
      this.#load = { submissions: 0, bytes: 0 };
      return 0;
    }
    try {
      const outcome = await submitHeld(intake, next);
      await store.call('done', { number: next.number });
      this.#settled(next, (turn) => turn.resolve(outcome));
      return 0;
    } catch (error) {
      return await this.#failed(next, asFault(error));
    }
  }

  async #failed(next: Queued, fault: Fault): Promise<number> {
    const { store, clock, onError } = this.#parts;
    const { number } = next;
    if (fault.code === 'INTERNAL') {
      this.#tries += 1;
      onError(fault.cause ?? fault);
      if (this.#tries < TRIES_MAX) return this.#backOff();
      await store.call('setAside', { number, at: clock.now() });
      onError(new Error('a held submission was set aside; it is tried again at the next start'));
      this.#settled(next, (turn) => turn.reject(fault));
      return 0;
    }
    if (fault.row.retry === 'later') {
      this.away = true;
      return this.#backOff();
    }
    await store.call('refuse', { number, why: refusedOf(next, fault), at: clock.now() });
    this.#settled(next, (turn) => turn.reject(fault));
    return 0;
  }

  #backOff(): number {
    const delayMs = this.#backoffMs * (0.5 + Math.random() / 2);
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MAX_MS);
    return delayMs;
  }

  #settled({ number, bytes }: Queued, tell: (turn: Turn) => void): void {
    this.#away = false;
    this.#tries = 0;
    this.#backoffMs = BACKOFF_MIN_MS;
    this.#count(-1, -bytes);
    const turns = this.#turns.get(number) ?? [];
    this.#turns.delete(number);
    for (const turn of turns) tell(turn);
  }

  #count(submissions: number, bytes: number): void {
    const { submissions: before, bytes: bytesBefore } = this.#load;
    this.#load = { submissions: before + submissions, bytes: bytesBefore + bytes };
  }

  #pause(delayMs: number): Promise<void> {
    if (delayMs <= 0 || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(delayMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

interface Turn {
  resolve(outcome: unknown): void;
  reject(fault: Fault): void;
}

/** Places and reasons of our own words; what a record said is not repeated. */
function refusedOf({ kind, head }: Queued, { code, data }: Fault): Refused {
  const { entry, line, path, reason } = data;
  return {
    type: kind === 'record' ? String((JSON.parse(head) as { type?: unknown }).type) : '',
    ...(typeof line === 'number' && { line }),
    entry: typeof entry === 'number' ? entry : 0,
    path: typeof path === 'string' ? path : '',
    reason: typeof reason === 'string' ? reason : code.toLowerCase(),
  };
}
