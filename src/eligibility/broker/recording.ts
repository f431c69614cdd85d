import { Fault } from '../../kernel/errors.ts';
import type { Outcome } from '../ports.ts';
import type { BrokerParts } from './parts.ts';
import { aboutOf } from './processing.ts';
import type { Fact } from './steps.ts';
import type { Waiting } from './waiting.ts';

/** While the log is away; together some 20 s. */
const TRY_AGAIN_MS = [100, 400, 1_500, 5_000, 12_000];

/**
 * Appends what came of a call to the member's record. `undefined` where the log refuses it (a member
 * that was forgotten meanwhile), or does not take it in time.
 */
export async function recordFact(
  { facts, placeOf, clock, report }: Pick<BrokerParts, 'facts' | 'placeOf' | 'clock' | 'report'>,
  { checkId, request, acceptedAt }: Waiting,
  outcome: Outcome,
  settledAt: number,
): Promise<Fact | undefined> {
  const about = aboutOf(checkId, request, acceptedAt, settledAt);
  for (const waitMs of [...TRY_AGAIN_MS, undefined]) {
    try {
      const { status, position } = await facts.record(about, outcome);
      const place = position === undefined ? undefined : placeOf(position);
      const said = status === 'processing' ? 'unknown' : status;
      return { status: said, checkedAt: settledAt, ...(place !== undefined && { place }) };
    } catch (error) {
      report(error);
      if (waitMs === undefined || !mayPass(error)) return undefined;
      await new Promise<void>((resolve) => void clock.after(waitMs, resolve));
    }
  }
  return undefined;
}

function mayPass(error: unknown): boolean {
  return !(error instanceof Fault) || error.row.retry === 'later';
}
