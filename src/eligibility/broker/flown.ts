import type { Timer } from '../../kernel/clock.ts';
import type { CheckRequest, CheckStep } from '../../twin/ports.ts';
import type { Question } from '../model.ts';
import type { Ticket } from '../scheduler/index.ts';
import type { Flight } from './flights.ts';
import { sharing, stepOf, type Waiting } from './waiting.ts';

/** A flight as the broker flies it. */
export interface Flown extends Flight<Waiting> {
  readonly request: CheckRequest;
  readonly acceptedAt: number;
  /** Calls so far, and those of them for which there was a slot. */
  attempt: number;
  calls: number;
  mayHaveReached: boolean;
  /** Until then its last call may hold a slot; milliseconds since the epoch. */
  heldUntil: number | undefined;
  /** While it waits for a slot. */
  ticket: Ticket | undefined;
  /** While it waits for its next try. */
  timer: Timer | undefined;
  /** Told that they timed out while its call went on. */
  readonly late: Waiting[];
}

export interface Call {
  readonly flight: Flown;
  readonly ticket: Ticket;
  readonly question: Question;
  /** Milliseconds since the epoch: the slot is held until then at most. */
  readonly until: number;
  /** The old interface is asked in the same slot, afterwards. */
  readonly shadowed: boolean;
}

export function flownBy(
  { checkId, dedupeKey, request, acceptedAt }: Waiting,
  flown: { readonly attempt: number; readonly mayHaveReached: boolean },
): Flown {
  return {
    ...{ id: checkId, key: dedupeKey, class: request.class, calling: false, request, acceptedAt },
    ...{ passengers: new Map(), late: [], calls: flown.attempt, ...flown },
    ...{ heldUntil: undefined, ticket: undefined, timer: undefined },
  };
}

/** The ticket for the next call. @param now of the wall, @param monotonic of the scheduler */
export function ticketOf(flight: Flown, now: number, monotonic: number): Ticket {
  const { id, attempt, request, acceptedAt } = flight;
  return {
    ...{ id: `${id}#${attempt + 1}`, class: flight.class },
    ...{ tenant: request.tenant, payer: request.payer, until: Number.POSITIVE_INFINITY },
    since: monotonic - Math.max(0, now - acceptedAt),
  };
}

/** What is said of everybody who waits for it. */
export function stepsOf(
  flight: Flown,
  state: 'running' | 'retrying',
  at: number,
  reason?: string,
): CheckStep[] {
  return [...flight.passengers.values()].map((one) =>
    stepOf(one, at, state, {
      attempt: flight.attempt,
      ...sharing(flight, one),
      ...(flight.heldUntil !== undefined && { runningUntil: flight.heldUntil }),
      ...(flight.mayHaveReached && { mayHaveReachedPayer: true }),
      ...(reason !== undefined && { reason }),
    }),
  );
}
