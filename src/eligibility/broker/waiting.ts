import { randomId } from '../../kernel/ids.ts';
import type { CheckRequest, CheckState, CheckStep } from '../../twin/ports.ts';
import type { CheckStanding } from '../journal/table.ts';
import type { Flight, Passenger } from './flights.ts';

/** A check that waits for an answer. */
export interface Waiting extends Passenger {
  readonly request: CheckRequest;
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number;
}

export function waitingOf({ checkId, request, acceptedAt }: CheckStanding): Waiting {
  const { dedupeKey, mode } = request;
  return { checkId, dedupeKey, mode, class: request.class, request, acceptedAt };
}

/** One of its own, beside what the step says. */
export function stepOf(
  { checkId, request }: Pick<Waiting, 'checkId' | 'request'>,
  at: number,
  state: CheckState,
  said: Pick<CheckStep, 'attempt'> & Partial<CheckStep>,
): CheckStep {
  const { tenant, member } = request;
  return { ...said, eventId: randomId(), at, checkId, tenant, member, state };
}

/** The call that a check shares is named where it is not its own. */
export function sharing(flight: Pick<Flight, 'id'>, { checkId }: Waiting): Partial<CheckStep> {
  return flight.id === checkId ? {} : { flight: flight.id };
}
