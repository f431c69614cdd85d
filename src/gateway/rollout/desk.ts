import {
  type ComparisonReport,
  ROLLOUT_FLAG_NAMES,
  type RolloutFlag,
  type RolloutStatus,
} from '../../contract/rollout.ts';
import type { Clock } from '../../kernel/clock.ts';
import { GATE, gateOf } from './gates.ts';
import type { PusherPlace } from './info.ts';
import { dayOf, type RolloutRecords } from './records.ts';

export interface RolloutDeskParts {
  readonly records: RolloutRecords;
  readonly rollout: (flag: RolloutFlag) => number;
  readonly former: PusherPlace | undefined;
  readonly clock: Clock;
}

export interface RolloutDesk {
  status(): RolloutStatus;
  compared(report: ComparisonReport): void;
}

const DAYS_SHOWN = 30;
const COMPARISONS_SHOWN = 10;
const DAY_MS = 86_400_000;

/** Who and what is still on Pusher, and what stands before each next step; of this instance. */
export function createRolloutDesk(parts: RolloutDeskParts): RolloutDesk {
  const { records, former, clock, rollout } = parts;
  return {
    compared: (report) => records.compared(report),
    status() {
      const nowMs = clock.now();
      const comparisons = records.comparisons(DAY_MS);
      const days = records.days(DAYS_SHOWN);
      const recent = days.filter(({ day }) => day >= dayOf(nowMs - DAY_MS));
      const looked = records.lookedSince();
      const isLongEnough = looked !== undefined && looked <= dayOf(nowMs - GATE.emptyDays * DAY_MS);
      const flags = ROLLOUT_FLAG_NAMES.map((flag) => {
        const percent = rollout(flag);
        return { flag, percent, since: records.stepSince(flag, percent) };
      });
      const gates = flags.map(({ flag, percent, since }) =>
        gateOf(flag, {
          ...{ isBridged: former !== undefined, comparisons, days: recent, percent },
          heldMs: since === undefined ? undefined : nowMs - since,
          daysWithMembers: isLongEnough
            ? records.daysWithMembers(GATE.emptyDays * DAY_MS)
            : undefined,
        }),
      );
      return {
        ...(former !== undefined && { former }),
        flags: flags.map(({ flag, percent, since }) => ({
          ...{ flag, percent },
          ...(since !== undefined && { since: new Date(since).toISOString() }),
        })),
        ...{ days, members: records.membersThere(), gates },
        comparisons: comparisons.slice(0, COMPARISONS_SHOWN),
      };
    },
  };
}
