/** Which test files there are, in which tier, and how long each may take. */

export interface Suite {
  readonly path: string;
  /** `full` suites need `--all`: minutes of work, many processes, or real parts. */
  readonly tier: 'embedded' | 'full';
  /** Seconds on two cores with little else to do. */
  readonly budgetSeconds: number;
}

/** The first row that fits counts. A slower suite is split, moved to `full`, or made faster. */
const BUDGETS: readonly (readonly [RegExp, number])[] = [
  [/(?:kill|attacks-oracle-timing)\.full\.test\.ts$/, 300],
  [/^test\/.*\.full\.test\.ts$/, 120],
  [/\.full\.test\.ts$/, 90],
  [/^test\//, 45],
  [/^src\/(?:access|cli|log)\//, 15],
  [/./, 10],
];

/** In CI, over this many budgets is a failure; another machine may be that much slower. */
export const CI_FACTOR = 4;

/** All of CI has 40 minutes: these are what the install, the gate and SpiceDB's compiler leave. */
export const RUN_BUDGET_SECONDS = 34 * 60;

export function suiteOf(path: string): Suite {
  return {
    path,
    tier: path.endsWith('.full.test.ts') ? 'full' : 'embedded',
    budgetSeconds: BUDGETS.find(([pattern]) => pattern.test(path))?.[1] ?? 10,
  };
}

/** Suites to run: those whose path holds one of the words, all where there is none. */
export function choose(
  paths: readonly string[],
  words: readonly string[],
  all: boolean,
): { readonly run: readonly Suite[]; readonly waiting: readonly Suite[] } {
  const suites = paths
    .map(suiteOf)
    .filter(({ path }) => words.length === 0 || words.some((word) => path.includes(word)));
  const runs = ({ tier }: Suite): boolean => all || tier === 'embedded';
  return { run: suites.filter(runs), waiting: suites.filter((suite) => !runs(suite)) };
}

export interface Timed extends Suite {
  readonly seconds: number;
}

/** One line for a suite over its budget, and whether that fails the run. */
export function overBudget(suite: Timed, ci: boolean): { says: string; fails: boolean } | null {
  if (suite.seconds <= suite.budgetSeconds) return null;
  const says = `${suite.path} took ${suite.seconds.toFixed(1)} s of ${suite.budgetSeconds} s`;
  return { says, fails: ci && suite.seconds > suite.budgetSeconds * CI_FACTOR };
}
