import type { Clock } from '../../kernel/clock.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { Undecodable } from '../events/undecodable.ts';
import type { KafkaRecord } from '../kafka/client.ts';
import type { Failure } from './dead-letter.ts';
import { Delivery } from './delivery.ts';
import { type Decode, type Decoded, type Handler, type Reason, Rejected } from './event.ts';
import type { Idempotency } from './idempotency.ts';
import type { Slot } from './lanes.ts';
import type { Entry } from './low-water.ts';
import { backoffOf, type Retries } from './retries.ts';
import type { Share } from './share.ts';

/** What became of a record. `abandoned`: it is another member's now, who begins anew. */
export type Outcome = 'handled' | 'duplicate' | 'dead-letter' | 'abandoned';

export interface Work {
  readonly record: KafkaRecord;
  readonly share: Share;
  readonly entry: Entry;
}

export interface ProcessingParts<T> {
  readonly decode: Decode<T>;
  readonly handler: Handler<T>;
  readonly idempotency: Idempotency;
  readonly retries: Retries;
  /** One try; then its signal is aborted, and after as long again it is given up. */
  readonly handlerTimeoutMs: number;
  readonly clock: Clock;
  readonly bury: (record: KafkaRecord, failure: Omit<Failure, 'consumer'>) => Promise<void>;
  readonly onEnd: (work: Work, outcome: Outcome) => void;
  readonly onRetry: (topic: string) => void;
  /** What keeps a record from being handled or buried, and is none of its faults. */
  readonly onTrouble: (error: unknown) => void;
}

/** A try whose handler ended too late, or not at all. */
class TimedOut extends Error {
  readonly ended: boolean;

  constructor(ended: boolean) {
    super('a handler took too long');
    this.ended = ended;
  }
}

/** A try that has begun, and how it ends. */
interface Begun<T> {
  readonly delivery: Delivery<T>;
  readonly pending: Promise<void>;
}

interface Failed {
  readonly error: unknown;
}

/** Takes one record to its end: tries, the memory of what was handled, the dead letter. */
export class Processing<T> {
  readonly #parts: ProcessingParts<T>;
  /** Handled here, and perhaps not remembered yet. */
  readonly #recent = new Set<string>();
  /** Under way here: a second one of the same id waits for what becomes of the first. */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(parts: ProcessingParts<T>) {
    this.#parts = parts;
  }

  /** Ends at once where everything does; else a promise, which never rejects. */
  run(work: Work, slot: Slot): Promise<void> | undefined {
    const { record, share } = work;
    if (!share.live) return this.#end(work, 'abandoned');
    const { decode, idempotency, handler } = this.#parts;
    let delivery: Delivery<T> | undefined;
    try {
      if (isTooLarge(record)) return this.#later(work, slot, { error: new TooLarge() });
      const decoded = decode(record);
      if (decoded instanceof Promise) return this.#later(work, slot);
      if (this.#recent.has(decoded.id)) return this.#end(work, 'duplicate');
      const known = idempotency.has(decoded.id);
      if (known === true) return this.#end(work, 'duplicate');
      if (known !== false || this.#running.has(decoded.id)) return this.#later(work, slot);
      delivery = new Delivery(record, decoded, 1);
      const pending = handler(delivery);
      if (pending !== undefined) return this.#later(work, slot, { delivery, pending });
      this.#remember(share, decoded.id);
      return this.#end(work, 'handled');
    } catch (error) {
      if (delivery === undefined && !(error instanceof Undecodable)) return this.#later(work, slot);
      return this.#later(work, slot, { error });
    }
  }

  /** What was handled is in the store now. */
  remembered(ids: readonly string[]): void {
    for (const id of ids) this.#recent.delete(id);
  }

  #end(work: Work, outcome: Outcome): undefined {
    if (outcome !== 'abandoned') work.entry.done = true;
    work.share.end();
    this.#parts.onEnd(work, outcome);
  }

  async #later(work: Work, slot: Slot, first?: Begun<T> | Failed): Promise<void> {
    this.#end(work, await this.#outcome(work, slot, first));
  }

  async #outcome(work: Work, slot: Slot, first?: Begun<T> | Failed): Promise<Outcome> {
    const { retries, clock, onRetry, bury } = this.#parts;
    const { record, share } = work;
    let firstFailed: number | undefined;
    let next = first;
    for (let attempts = 1; ; attempts += 1) {
      const tried = await this.#try(work, attempts, next);
      next = undefined;
      if (typeof tried === 'string') return tried;
      firstFailed ??= clock.now();
      const { error, of } = tried;
      if (isFinal(error) || attempts >= retries.attempts) {
        const failure = { reason: reasonOf(error), attempts, firstFailed, lastFailed: clock.now() };
        const buried = await this.#surely(share, async () => {
          await bury(record, { ...failure, ...of });
          return true;
        });
        return buried === true ? 'dead-letter' : 'abandoned';
      }
      onRetry(record.topic);
      slot.release();
      await this.#pause(share, backoffOf(retries, attempts));
      await slot.acquire();
      if (!share.live) return 'abandoned';
    }
  }

  async #try(
    work: Work,
    attempt: number,
    first?: Begun<T> | Failed,
  ): Promise<Outcome | (Failed & { of?: Pick<Failure, 'eventId' | 'tenant'> })> {
    const { share } = work;
    if (first !== undefined && 'error' in first) return { error: first.error };
    const begun = first ?? (await this.#begin(work, attempt));
    if (typeof begun === 'string' || 'error' in begun) return begun;
    const { delivery } = begun;
    const ending = this.#within(share, begun);
    this.#running.set(delivery.id, ending);
    const error = await ending;
    this.#running.delete(delivery.id);
    if (error === undefined) {
      this.#remember(share, delivery.id);
      return 'handled';
    }
    const { id: eventId, tenant } = delivery;
    return share.live ? { ...error, of: { eventId, tenant } } : 'abandoned';
  }

  /** Whatever fails here but the handler is no fault of the record: it is tried until it works. */
  async #begin(work: Work, attempt: number): Promise<Begun<T> | Failed | Outcome> {
    const { decode, idempotency, handler } = this.#parts;
    const { record, share } = work;
    const decoded = await this.#surely<Decoded<T> | Failed>(share, async () => {
      try {
        return await decode(record);
      } catch (error) {
        if (error instanceof Undecodable) return { error };
        throw error;
      }
    });
    if (decoded === undefined) return 'abandoned';
    if ('error' in decoded) return decoded;
    await this.#running.get(decoded.id);
    if (this.#recent.has(decoded.id)) return 'duplicate';
    const known = await this.#surely(share, async () => await idempotency.has(decoded.id));
    if (known === undefined || !share.live) return 'abandoned';
    if (known || this.#recent.has(decoded.id)) return 'duplicate';
    const delivery = new Delivery(record, decoded, attempt);
    return { delivery, pending: promised(() => handler(delivery)) };
  }

  /** Answers why the try failed; nothing when it did not. */
  async #within(share: Share, { delivery, pending }: Begun<T>): Promise<Failed | undefined> {
    const { clock, handlerTimeoutMs } = this.#parts;
    let late = false;
    const { promise: overdue, resolve: giveUp } = Promise.withResolvers<Failed>();
    const abort = clock.after(handlerTimeoutMs, () => {
      late = true;
      delivery.abort(new TimedOut(false));
    });
    const end = clock.after(handlerTimeoutMs * 2, () => giveUp({ error: new TimedOut(false) }));
    share.deliveries.add(delivery);
    try {
      return await Promise.race([
        pending.then(
          () => undefined,
          (error: unknown) => ({ error: late ? new TimedOut(true) : error }),
        ),
        overdue,
      ]);
    } finally {
      abort.cancel();
      end.cancel();
      share.deliveries.delete(delivery);
    }
  }

  /** Until it works, or the partition is gone; then `undefined`. */
  async #surely<R>(share: Share, work: () => Promise<R>): Promise<R | undefined> {
    const { retries, onTrouble } = this.#parts;
    for (let failed = 1; ; failed += 1) {
      try {
        return await work();
      } catch (error) {
        onTrouble(error);
        await this.#pause(share, backoffOf(retries, failed));
        if (!share.live) return undefined;
      }
    }
  }

  /** Waits, but no longer than the partition is ours. */
  async #pause(share: Share, delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.clock.after(delayMs, resolve);
    const forget = share.onRelease(resolve);
    await promise;
    timer.cancel();
    forget();
  }

  #remember(share: Share, id: string): void {
    const { idempotency } = this.#parts;
    if (idempotency.add !== undefined) {
      idempotency.add(id);
      return;
    }
    this.#recent.add(id);
    share.handled.push(id);
  }
}

async function promised(work: () => void | Promise<void>): Promise<void> {
  await work();
}

/** Larger than any record of ours may be (design §6). */
class TooLarge extends Error {}

function isFinal(error: unknown): boolean {
  if (error instanceof TimedOut) return !error.ended;
  return error instanceof Undecodable || error instanceof TooLarge || error instanceof Rejected;
}

function reasonOf(error: unknown): Reason {
  if (error instanceof Undecodable) return error.reason;
  if (error instanceof TooLarge) return 'TOO_LARGE';
  if (error instanceof Rejected) return 'REJECTED';
  return error instanceof TimedOut ? 'TIMED_OUT' : 'FAILED';
}

function isTooLarge({ value }: KafkaRecord): boolean {
  return (value?.length ?? 0) > LIMITS.recordBytesMax;
}
