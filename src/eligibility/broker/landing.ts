import type { CheckEvent, CheckStep } from '../../twin/ports.ts';
import { isTerminal } from '../journal/table.ts';
import type { Outcome } from '../ports.ts';
import type { Flown } from './flown.ts';
import type { BrokerParts } from './parts.ts';
import type { Processing } from './processing.ts';
import { recordFact } from './recording.ts';
import { completedEvent, endings } from './steps.ts';
import type { Verdict } from './verdict.ts';
import type { Waiting } from './waiting.ts';

export interface Said {
  readonly steps: readonly CheckStep[];
  readonly events: readonly CheckEvent[];
}

export interface LandingParts extends BrokerParts {
  /** What ended and is not in the journal yet: shown, and committed by whoever may. */
  readonly unsaid: Map<string, CheckStep>;
}

/** The fact first, then what is shown to whoever polls; what it answers is for the journal. */
export async function land(
  parts: LandingParts,
  processing: Processing,
  flight: Flown,
  verdict: Exclude<Verdict, { kind: 'retry' }>,
  outcome: Outcome,
): Promise<Said> {
  const { clock, metrics } = parts;
  await processing.over(flight.id);
  const fact = await recordFact(parts, leaderOf(flight), outcome, clock.now());
  const waiting = [...flight.passengers.values()];
  const isLost = verdict.kind === 'completed' && fact === undefined;
  const said = isLost ? ({ kind: 'failed', reason: 'NOT_RECORDED' } as const) : verdict;
  const at = clock.now();
  const { steps, events } = endings(flight, waiting, said, { at, fact });
  const late = verdict.kind === 'completed' && fact !== undefined ? flight.late : [];
  for (const one of late) if (fact) events.push(completedEvent(one, at, fact, true));
  for (const step of steps) show(parts, step);
  for (const one of waiting) metrics.ended(steps[0]?.state ?? 'failed', one.class);
  return { steps, events };
}

/** How this check ended by the word of a broker that could not say it in the journal any more. */
export async function saidElsewhere(
  { unsaid, board, report }: LandingParts,
  checkId: string,
): Promise<CheckStep | undefined> {
  const standing = unsaid.get(checkId) ?? (await board.get(checkId).catch(report)) ?? undefined;
  return standing !== undefined && isTerminal(standing.state) ? standing : undefined;
}

/** For whoever polls, also while the journal is away. */
function show({ unsaid, board, report }: LandingParts, step: CheckStep): void {
  unsaid.set(step.checkId, step);
  board.put(step.checkId, step).catch(report);
}

/** Whoever began it; by now it may have left. */
function leaderOf({ id, key, request, acceptedAt }: Flown): Waiting {
  const { mode } = request;
  return { checkId: id, dedupeKey: key, mode, class: request.class, request, acceptedAt };
}
