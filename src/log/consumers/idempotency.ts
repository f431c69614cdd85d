import type { Clock } from '../../kernel/clock.ts';

/**
 * Which events had their effect already. Members of a group share one, or a rebalance may bring an
 * event to a member that does not know that it was handled: at least once is then all there is.
 */
export interface Idempotency {
  has(id: string): boolean | Promise<boolean>;
  /** Durable when it returns, as far as the store is: offsets are committed after it. */
  remember(ids: readonly string[]): void | Promise<void>;
  /** As `remember`, at once and without fail; a store that has it is given ids one by one. */
  add?(id: string): void;
  close?(): void | Promise<void>;
}

/** How long an id is known (design §6). */
export const REMEMBERED_MS = 30 * 24 * 3_600_000;

export interface MemoryIdempotencyOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** The oldest go first; some 100 bytes each. */
  readonly idsMax?: number;
}

const IDS_MAX = 1_000_000;
/** Additions between two looks at what is too old. */
const FORGET_EVERY = 1_000;

/** Within one process, lost with it. */
export function createMemoryIdempotency({
  clock,
  idsMax = IDS_MAX,
}: MemoryIdempotencyOptions): Idempotency {
  const known = new Map<string, number>();
  const add = (id: string): void => {
    const { size } = known;
    known.set(id, clock.now());
    if (known.size > size) {
      if (known.size > idsMax || known.size % FORGET_EVERY === 0) forget();
      return;
    }
    // Known already: the newest effect counts, and it is forgotten after the others.
    known.delete(id);
    known.set(id, clock.now());
  };
  const forget = (): void => {
    const now = clock.now();
    for (const [id, at] of known) {
      if (known.size <= idsMax && now - at < REMEMBERED_MS) return;
      known.delete(id);
    }
  };
  return {
    add,
    has(id) {
      const at = known.get(id);
      return at !== undefined && clock.now() - at < REMEMBERED_MS;
    },
    remember: (ids) => ids.forEach(add),
  };
}
