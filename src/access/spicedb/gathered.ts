import { LIMITS } from '../../kernel/limits.ts';
import { questionKey } from '../decisions-facts.ts';
import type { CheckAnswers, CheckQuery, Consistency, Engine } from './engine.ts';
import { isUnanswered } from './grpc.ts';

interface Asked {
  readonly items: readonly CheckQuery[];
  resolve(answers: CheckAnswers): void;
  reject(error: unknown): void;
}

/**
 * Checks that are asked at one moment, or while as many are under way as the engine answers side by
 * side, each for its own caller, as one bulk check: SpiceDB answers twenty principals together with
 * less than half the work of twenty calls, and a flood of questions is no queue of calls. Each gets the answers to
 * its own questions and, where the whole was refused, asks again alone, so that nobody's question
 * fails another's; where SpiceDB is away, nobody asks it again.
 */
export function gatheredChecks(engine: Pick<Engine, 'check' | 'checksAtOnce'>): Engine['check'] {
  const { checksAtOnce = Number.POSITIVE_INFINITY } = engine;
  let underWay = 0;
  const waiting = new Map<string, { consistency: Consistency; asked: Asked[] }>();

  const alone = ({ items, resolve, reject }: Asked, consistency: Consistency): Promise<void> =>
    engine.check(items, consistency).then(resolve, reject);

  const together = async (some: readonly Asked[], consistency: Consistency): Promise<void> => {
    const questions = new Map(
      some.flatMap(({ items }) => items).map((item) => [questionKey(item), item]),
    );
    try {
      const { allowed, zedToken } = await engine.check([...questions.values()], consistency);
      const yes = new Set([...questions.keys()].filter((_, index) => allowed[index] === true));
      for (const { items, resolve } of some) {
        resolve({ allowed: items.map((item) => yes.has(questionKey(item))), zedToken });
      }
    } catch (error) {
      if (isUnanswered(error)) for (const one of some) one.reject(error);
      else await Promise.all(some.map((one) => alone(one, consistency)));
    }
  };

  const send = (): void => {
    for (const [key, { consistency, asked }] of waiting) {
      if (underWay >= checksAtOnce) return;
      waiting.delete(key);
      const [some = [], ...rest] = groups(asked);
      // What is left comes last: whoever asks at another revision has a turn before.
      if (rest.length > 0) waiting.set(key, { consistency, asked: rest.flat() });
      underWay += 1;
      void sent(some, consistency).finally(() => {
        underWay -= 1;
        send();
      });
    }
  };

  const sent = async (some: readonly Asked[], consistency: Consistency): Promise<void> => {
    const [first] = some;
    if (first !== undefined && some.length === 1) await alone(first, consistency);
    else await together(some, consistency);
  };

  return (items, consistency) =>
    new Promise((resolve, reject) => {
      if (waiting.size === 0) queueMicrotask(send);
      const key = consistency.kind === 'full' ? '' : consistency.zedToken;
      const same = waiting.get(key) ?? { consistency, asked: [] };
      waiting.set(key, same);
      same.asked.push({ items, resolve, reject });
    });
}

/** No more questions at once than SpiceDB takes. */
function groups(asked: readonly Asked[]): Asked[][] {
  const all: Asked[][] = [];
  let count = 0;
  for (const one of asked) {
    const group = all.at(-1);
    count += one.items.length;
    if (group !== undefined && count <= LIMITS.checkItemsMax) group.push(one);
    else {
      all.push([one]);
      count = one.items.length;
    }
  }
  return all;
}
