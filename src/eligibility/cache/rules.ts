/**
 * How long a payer's answer counts. Eligibility moves on month boundaries and plan years, so an
 * answer never outlives either; within them it depends on whose plan it is, and on what was said.
 */

export const PLAN_KINDS = ['commercial', 'medicare', 'medicare-advantage', 'medicaid'] as const;
export type PlanKind = (typeof PLAN_KINDS)[number];

/** What is known from an earlier check. Times are milliseconds since the epoch. */
export interface KnownFact {
  readonly checkId: string;
  readonly status: 'active' | 'inactive' | 'unknown';
  readonly checkedAt: number;
  /** The member was not found, or the question was refused otherwise. */
  readonly refusal?: 'not-found' | 'other';
  /** ISO date: the last day of the plan year, as the payer said it. */
  readonly planEnds?: string;
  /** Something has come since that speaks against it. */
  readonly contradicted?: boolean;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** An active answer is fresh for the same day; Medicaid moves from day to day. */
const FRESH_MS: Readonly<Record<PlanKind, number>> = {
  commercial: 24 * HOUR_MS,
  medicare: 24 * HOUR_MS,
  'medicare-advantage': 24 * HOUR_MS,
  medicaid: 8 * HOUR_MS,
};
/** Bad news is looked at again soon: it may have been a matter of hours, or of a wrong digit. */
const INACTIVE_FRESH_MS = HOUR_MS;
const INACTIVE_KEPT_MS = 24 * HOUR_MS;
const NOT_FOUND_MS = 10 * MINUTE_MS;

export interface Standing {
  /** Fresh within the rule of its plan. */
  readonly freshUntil: number;
  /** Of any use at all. */
  readonly keptUntil: number;
}

/** Until when a fact is fresh, and until when it counts; in the past where it does not. */
export function standingOf(fact: KnownFact, kind: PlanKind): Standing {
  const { checkedAt, status, refusal, contradicted = false } = fact;
  if (contradicted) return { freshUntil: 0, keptUntil: 0 };
  if (refusal === 'not-found') return until(checkedAt + NOT_FOUND_MS);
  // The payer could not say: nothing that is worth keeping.
  if (refusal !== undefined || status === 'unknown') return { freshUntil: 0, keptUntil: 0 };
  const rolls = Math.min(monthRolls(checkedAt), planRolls(fact.planEnds, checkedAt));
  const [fresh, kept] =
    status === 'active' ? [FRESH_MS[kind], Infinity] : [INACTIVE_FRESH_MS, INACTIVE_KEPT_MS];
  const [freshUntil, keptUntil] = [checkedAt + fresh, checkedAt + kept];
  return { freshUntil: Math.min(freshUntil, rolls), keptUntil: Math.min(keptUntil, rolls) };
}

function until(at: number): Standing {
  return { freshUntil: at, keptUntil: at };
}

/** Midnight comes to the payers of the United States from UTC-4 to UTC-11. */
const ZONES = [4, 5, 6, 7, 8, 9, 10, 11];

/**
 * The next instant at which a month begins somewhere in the United States: whose midnight counts is
 * the payer's to know, so each of them ends what was said before it.
 */
function monthRolls(at: number): number {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const starts = [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)];
  return rollAfter(at, starts);
}

/** The day after the plan year's last one begins. */
function planRolls(ends: string | undefined, at: number): number {
  const last = ends === undefined ? Number.NaN : Date.parse(`${ends}T00:00:00Z`);
  return Number.isNaN(last) ? Infinity : rollAfter(at, [last + 24 * HOUR_MS]);
}

function rollAfter(at: number, days: readonly number[]): number {
  const instants = days.flatMap((day) => ZONES.map((hours) => day + hours * HOUR_MS));
  return Math.min(...instants.filter((instant) => instant > at), Infinity);
}
