import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import { LIMITS } from '../kernel/limits.ts';
import { type Fact, type FactCache, questionKey } from './decisions-facts.ts';
import type { Follower } from './decisions-follower.ts';
import type { Flights } from './decisions-reach.ts';
import type { CheckQuery, Engine } from './spicedb/engine.ts';

/** A question whose object changes each time it is asked gets no answer after so many tries. */
const ROUNDS_MAX = 4;

type Cache = Pick<FactCache, 'get' | 'put' | 'clear'>;

export interface AskerParts {
  readonly check: Engine['check'];
  readonly clock: Clock;
  readonly follower: Follower;
  readonly cache: Cache;
  readonly flights: Flights;
  /** Told of each answer: from the cache or asked. */
  readonly onDecision: (hit: boolean) => void;
}

/**
 * Answers to the questions, by `questionKey`, none of them from before a change that this instance
 * has been told of.
 * @throws whatever `check` throws; Fault ACCESS_UNAVAILABLE when things change too fast.
 */
export async function ask(
  parts: AskerParts,
  questions: readonly CheckQuery[],
): Promise<ReadonlyMap<string, Fact>> {
  const open = new Map(questions.map((question) => [questionKey(question), question]));
  const facts = new Map<string, Fact>();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const missing = [...open].filter(([key]) => !facts.has(key)).map(([, question]) => question);
    const flight = parts.flights.begin();
    try {
      await fill(parts, missing, facts, (question) => flight.touched(question.object));
    } finally {
      flight.end();
    }
    for (const [key, { object }] of open) if (flight.touched(object)) facts.delete(key);
    if (facts.size === open.size) return facts;
  }
  throw new Fault('ACCESS_UNAVAILABLE');
}

async function fill(
  { check, clock, follower, cache, onDecision }: AskerParts,
  questions: readonly CheckQuery[],
  facts: Map<string, Fact>,
  touched: (question: CheckQuery) => boolean,
): Promise<void> {
  const { sure, consistency } = follower;
  if (!sure) cache.clear();
  const unknown: CheckQuery[] = [];
  for (const question of questions) {
    const fact = sure ? cache.get(question) : undefined;
    onDecision(fact !== undefined);
    if (fact === undefined) unknown.push(question);
    else facts.set(questionKey(question), fact);
  }
  for (let from = 0; from < unknown.length; from += LIMITS.checkItemsMax) {
    const part = unknown.slice(from, from + LIMITS.checkItemsMax);
    const askedAtMs = clock.monotonic();
    const { allowed, zedToken } = await check(part, consistency);
    for (const [index, question] of part.entries()) {
      const fact = { allowed: allowed[index] === true, revision: zedToken };
      facts.set(questionKey(question), fact);
      if (sure && follower.sure && !touched(question)) cache.put(question, fact, askedAtMs);
    }
  }
}

/** Asks again for what is known, so that it stays known; what changes meanwhile is left out. */
export async function renew(parts: AskerParts, questions: readonly CheckQuery[]): Promise<void> {
  const flight = parts.flights.begin();
  try {
    const asking = { ...parts, cache: unread(parts.cache) };
    await fill(asking, questions, new Map(), (question) => flight.touched(question.object));
  } finally {
    flight.end();
  }
}

function unread(cache: Cache): Cache {
  return {
    get: () => undefined,
    put: (...known) => cache.put(...known),
    clear: () => cache.clear(),
  };
}

/** @throws Fault ACCESS_UNAVAILABLE when the work fails or takes longer than `timeoutMs`. */
export async function answered<T>(clock: Clock, timeoutMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = clock.after(timeoutMs, () =>
    late.reject(new Error(`no answer in ${timeoutMs} ms`)),
  );
  try {
    return await Promise.race([work, late.promise]);
  } catch (cause) {
    throw cause instanceof Fault ? cause : new Fault('ACCESS_UNAVAILABLE', { cause });
  } finally {
    timer.cancel();
  }
}
