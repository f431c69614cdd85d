import type { Clock } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import { answered } from './decisions-asker.ts';
import { mark, markFilter, markNumber } from './spicedb/bookkeeping.ts';
import type { Engine } from './spicedb/engine.ts';

/** How often SpiceDB is asked how far the writer has come. */
const ASK_AGAIN_MS = 50;

/**
 * For an instance that does not write relations itself: waits until SpiceDB shows that whoever does
 * has come to this offset of the journal; answers a ZedToken at or after it.
 * @throws when it has not within the bound of a commit, or nobody answers
 */
export function committedElsewhere(
  { engine, clock }: { readonly engine: Engine; readonly clock: Clock },
  offset: number,
): Promise<string> {
  let waiting = true;
  const wait = async (): Promise<string> => {
    while (waiting) {
      const [found] = await engine.read(markFilter('offset'));
      if (found !== undefined && markNumber(found) >= offset) return revisionNow(engine);
      await new Promise<void>((resolve) => clock.after(ASK_AGAIN_MS, resolve));
    }
    throw new Error('nobody waits any longer');
  };
  return answered(clock, LIMITS.relationsCommitTimeoutMs, wait()).finally(() => {
    waiting = false;
  });
}

/** Asked for the revision of its answer only. */
async function revisionNow(engine: Engine): Promise<string> {
  const { resource: object, relation: permission, subject } = mark('heartbeat', 0);
  return (await engine.check([{ subject, permission, object }], { kind: 'full' })).zedToken;
}
