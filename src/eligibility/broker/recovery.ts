import type { CheckStanding } from '../journal/table.ts';

/** What a new broker finds: questions that wait, and slots that calls of a former one hold. */
export interface Found {
  /** Each with all who wait for it, the first one first. */
  readonly flights: readonly FoundFlight[];
  readonly slots: readonly HeldSlot[];
}

export interface FoundFlight {
  readonly waiting: readonly CheckStanding[];
  readonly attempt: number;
  readonly mayHaveReached: boolean;
  /** A call of it may be under way until then: asked again only afterwards. */
  readonly heldUntil?: number;
}

export interface HeldSlot {
  readonly id: string;
  readonly payer: string;
  readonly class: CheckStanding['request']['class'];
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/**
 * Nobody hears the answers to a former broker's calls, so each may hold its slot until its time has
 * passed, and a question is asked again only then: afterwards the answer is fresh for everybody who
 * waits, so equal questions become one.
 */
export function recover(
  open: readonly CheckStanding[],
  ended: readonly CheckStanding[],
  now: number,
): Found {
  const byKey = Map.groupBy(
    open.toSorted((a, b) => a.acceptedAt - b.acceptedAt),
    ({ request }) => request.dedupeKey,
  );
  return {
    flights: [...byKey.values()].map((waiting) => flightOf(waiting, now)),
    slots: slotsOf([...open, ...ended], now),
  };
}

function flightOf(waiting: readonly CheckStanding[], now: number): FoundFlight {
  const untils = waiting.map(({ runningUntil = 0 }) => runningUntil).filter((until) => until > now);
  const called = waiting.some(({ state, mayHaveReachedPayer }) => {
    return state === 'running' || mayHaveReachedPayer;
  });
  return {
    waiting,
    attempt: Math.max(...waiting.map(({ attempt }) => attempt)),
    mayHaveReached: called,
    ...(untils.length > 0 && { heldUntil: Math.max(...untils) }),
  };
}

/** One a call: whoever shares one names the check that began it. */
function slotsOf(checks: readonly CheckStanding[], now: number): HeldSlot[] {
  const slots = new Map<string, HeldSlot>();
  for (const { checkId, flight = checkId, attempt, request, runningUntil = 0 } of checks) {
    if (runningUntil <= now) continue;
    const id = `${flight}#${attempt}`;
    const until = Math.max(runningUntil, slots.get(id)?.until ?? 0);
    slots.set(id, { id, payer: request.payer, class: request.class, until });
  }
  return [...slots.values()];
}
