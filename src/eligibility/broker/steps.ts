import { randomId } from '../../kernel/ids.ts';
import type { CheckEvent, CheckState, CheckStep, LogPlace } from '../../twin/ports.ts';
import type { Flown } from './flown.ts';
import type { Verdict } from './verdict.ts';
import { sharing, stepOf, type Waiting } from './waiting.ts';

function eventAbout({ checkId, request }: Waiting, at: number) {
  const { tenant, member, coverage, payer, session, actor } = request;
  return {
    ...{ eventId: randomId(), at, checkId, tenant, member, payer, actor },
    ...(coverage !== undefined && { coverage }),
    ...(session !== undefined && { session }),
  };
}

export function processingEvent(one: Waiting, at: number, expectedWaitMs: number): CheckEvent {
  return { ...eventAbout(one, at), kind: 'processing', expectedWaitMs };
}

/** What the twin shows by now. */
export interface Fact {
  readonly status: 'active' | 'inactive' | 'unknown';
  readonly checkedAt: number;
  readonly place?: LogPlace;
}

export function completedEvent(one: Waiting, at: number, fact: Fact, late: boolean): CheckEvent {
  const document = `mcp://twins/member/${one.request.member}/coverage`;
  return { ...eventAbout(one, at), kind: 'completed', ...fact, document, late };
}

export function failedEvent(
  one: Waiting,
  at: number,
  { reason, aaaCode, followUp }: Verdict & { kind: 'failed' },
): CheckEvent {
  return {
    ...{ ...eventAbout(one, at), kind: 'failed', reason },
    ...(aaaCode !== undefined && { aaaCode }),
    ...(followUp !== undefined && { followUp }),
  };
}

export function timedOutEvent(one: Waiting, at: number, mayStillArrive: boolean): CheckEvent {
  const waitedMs = at - one.acceptedAt;
  return { ...eventAbout(one, at), kind: 'timed-out', waitedMs, mayStillArrive };
}

/** How each of those who wait ends, and what is told of it. */
export function endings(
  flight: Pick<Flown, 'id' | 'attempt' | 'mayHaveReached' | 'heldUntil' | 'calling'>,
  waiting: readonly Waiting[],
  verdict: Exclude<Verdict, { kind: 'retry' }>,
  { at, fact }: { readonly at: number; readonly fact?: Fact | undefined },
): { steps: CheckStep[]; events: CheckEvent[] } {
  const told = (
    one: Waiting,
  ): { state: CheckState; said: Partial<CheckStep>; event: CheckEvent } => {
    if (verdict.kind === 'completed' && fact !== undefined) {
      const { status, place } = fact;
      const said = { status, ...(place !== undefined && { place }) };
      return { state: 'completed', said, event: completedEvent(one, at, fact, false) };
    }
    if (verdict.kind === 'failed') {
      const { reason, aaaCode, followUp } = verdict;
      const said = { reason: aaaCode ?? reason, ...(followUp !== undefined && { followUp }) };
      return { state: 'failed', said, event: failedEvent(one, at, verdict) };
    }
    const event = timedOutEvent(one, at, flight.calling);
    return { state: 'timed-out', said: {}, event };
  };
  const all = waiting.map((one) => ({ one, ...told(one) }));
  const common = {
    attempt: flight.attempt,
    ...(flight.mayHaveReached && { mayHaveReachedPayer: true }),
    ...(flight.heldUntil !== undefined && { runningUntil: flight.heldUntil }),
  };
  return {
    steps: all.map(({ one, state, said }) =>
      stepOf(one, at, state, { ...common, ...sharing(flight, one), ...said }),
    ),
    events: all.map(({ event }) => event),
  };
}
