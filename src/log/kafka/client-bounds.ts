import { sleep } from '../../kernel/clock.ts';

/** Times and sizes both adapters keep to; none of them is a promise to a caller of the product. */
export const BOUNDS = {
  /** A call that has not ended by then fails; what became of it is not known. */
  callMs: 30_000,
  connectMs: 5_000,
  /** Between two tries, at first and at most. */
  retryMs: 100,
  retryMsMax: 2_000,
  /** A producer that falls silent holds back read-committed consumers for so long. */
  transactionMs: 15_000,
  /** How long a broker holds a fetch that finds nothing: also the wait for a resumed partition. */
  fetchWaitMs: 250,
  /** After a fetch that found little: what comes in small pieces is fetched some at a time. */
  fetchPauseMs: 5,
  fetchLittleBytes: 64 * 1024,
  fetchBytesMax: 8 * 1024 * 1024,
  partitionBytesMax: 1024 * 1024,
  /** Fetched and not handed over, by partition; then it is fetched no further. */
  waitingBytesMax: 2 * 1024 * 1024,
  sessionMs: 10_000,
  rebalanceMs: 30_000,
  /** One batch of one partition; the topics take 1 MiB. */
  batchBytesMax: 1_000_000,
  recordBytesMax: 1024 * 1024 - 1024,
  stopMs: 5_000,
} as const;

/** A call has taken too long: whether it had its effect is not known. */
export class KafkaTimeout extends Error {
  constructor(what: string) {
    super(`${what} has not ended in time`);
    this.name = 'KafkaTimeout';
  }
}

/** @throws KafkaTimeout; what the call does later is nobody's fault and is not told */
export async function bounded<T>(
  what: string,
  call: Promise<T>,
  ms: number = BOUNDS.callMs,
): Promise<T> {
  call.catch(() => undefined);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new KafkaTimeout(what)), ms);
  try {
    return await Promise.race([call, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when the call has ended, however, or the time is over. */
export async function atMost(ms: number, call: Promise<unknown>): Promise<void> {
  await bounded('', call, ms).catch(() => undefined);
}

/** Grows from try to try; `reset` once one has succeeded. */
export class Backoff {
  #ms: number = BOUNDS.retryMs;

  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 2, BOUNDS.retryMsMax);
    return ms;
  }

  reset(): void {
    this.#ms = BOUNDS.retryMs;
  }
}

/** Asks until it is so, whatever goes wrong before. @throws KafkaTimeout */
export async function untilSo(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const backoff = new Backoff();
  const until = performance.now() + BOUNDS.callMs;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > until) throw new KafkaTimeout(what);
    await sleep(backoff.next());
  }
}

/** The broker and we do not take each other: who we are, or the certificate, is wrong. */
export class Unwelcome extends Error {
  constructor(cause: unknown) {
    super('the broker refuses who we are, or its certificate is not one we trust', { cause });
    this.name = 'Unwelcome';
  }
}
