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
 * Checks that are asked at one moment, each for its own caller, as one bulk check: SpiceDB answers
 * twenty principals together with less than half the work of twenty calls. Each gets the answers to
 * its own questions and, where the whole was refused, asks again alone, so that nobody's question
 * fails another's; where SpiceDB is away, nobody asks it again.
 */
export function gatheredChecks(engine: Pick<Engine, 'check'>): Engine['check'] {
  const waiting = new Map<string, { consistency: Consistency; asked: Asked[] }>();

  const alone = ({ items, resolve, reject }: Asked, consistency: Consistency): void =>
    void engine.check(items, consistency).then(resolve, reject);

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
      for (const one of some) {
        if (isUnanswered(error)) one.reject(error);
        else alone(one, consistency);
      }
    }
  };

  const send = (): void => {
    const all = [...waiting.values()];
    waiting.clear();
    for (const { consistency, asked } of all) {
      for (const some of groups(asked)) {
        const [first] = some;
        if (first !== undefined && some.length === 1) alone(first, consistency);
        else void together(some, consistency);
      }
    }
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
