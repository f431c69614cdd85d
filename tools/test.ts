/**
 * The test runner: `npm test`, `npm test -- --all`, `npm test -- WORD…` for files by their path.
 * Each file runs in a process of its own, two at a time.
 */

import { randomUUID } from 'node:crypto';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { findPaths, ROOT } from './files.ts';
import { end, findLeftovers, MARK } from './test-leftovers.ts';
import { describeWaiting, startParts } from './test-parts.ts';
import { createReport, type TestEvent } from './test-report.ts';
import {
  choose,
  overBudget,
  RUN_BUDGET_SECONDS,
  type Suite,
  suiteOf,
  type Timed,
} from './test-suites.ts';

const HELP = `npm test                  the embedded tier
npm test -- --all         the full tier on real parts too, as in CI; refuses skipped and todo tests
npm test -- WORD…         files whose path holds one of the words
npm test -- --list        which files there are
`;

/** A test is given up after ten minutes, and a file soon after its last test. */
const FILE_ARGUMENTS = ['--import', join(ROOT, 'tools/test-file.ts'), '--test-timeout=600000'];

/** In CI, where being cut off from outside would print nothing. */
const RUN_DEADLINE_MS = (RUN_BUDGET_SECONDS + 60) * 1000;

const ci = process.env.CI === 'true';
const flags = new Set(process.argv.slice(2).filter((word) => word.startsWith('-')));
const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const all = flags.delete('--all') || ci;
const { run: suites, waiting } = choose(findPaths('{src,test,tools}/**/*.test.ts'), words, all);

if (flags.has('--help') || flags.has('-h')) process.stdout.write(HELP);
else if (flags.has('--list')) list([...suites, ...waiting]);
else if (flags.size > 0) usage(`unknown: ${[...flags].join(' ')}`);
else if (suites.length === 0) usage('no test file fits');
else await test(suites);

interface Outcome {
  passed: number;
  failed: number;
  /** Skipped and todo. */
  left: number;
  readonly timed: Timed[];
}

async function test(chosen: readonly Suite[]): Promise<void> {
  const mark = randomUUID();
  process.env[MARK] = mark;
  const stopParts = await startParts(chosen, say).catch((error: Error) => {
    say(`FAILED: a real part is not to be had: ${error.message}`);
    process.exitCode = 1;
  });
  if (stopParts === undefined) return;
  const began = performance.now();
  const outcome = await execute(chosen).finally(stopParts);
  const seconds = (performance.now() - began) / 1000;
  const faults = [
    ...unreported(chosen, outcome.timed),
    ...unfinished(outcome),
    ...slow(outcome.timed, seconds),
    ...leftovers(mark),
  ];
  for (const line of describeWaiting(waiting)) say(line);
  for (const fault of faults) say(`FAILED: ${fault}`);
  if (outcome.failed + faults.length > 0 || outcome.passed === 0) process.exitCode = 1;
  say(`${outcome.passed} passed, ${outcome.failed + faults.length} failed`);
}

async function execute(chosen: readonly Suite[]): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failed: 0, left: 0, timed: [] };
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  const stream = run({
    files: chosen.map(({ path }) => join(ROOT, path)),
    cwd: ROOT,
    concurrency: 2,
    execArgv: FILE_ARGUMENTS,
    signal: ci ? AbortSignal.any([stop.signal, AbortSignal.timeout(RUN_DEADLINE_MS)]) : stop.signal,
  });
  stream.on('test:summary', (data) => count(outcome, data));
  if (process.stdout.isTTY && !ci) {
    for await (const text of stream.compose(new spec())) process.stdout.write(String(text));
  } else {
    const report = createReport();
    for await (const event of stream as AsyncIterable<TestEvent>) {
      process.stdout.write(report(event));
    }
  }
  return outcome;
}

type Summary = Extract<TestEvent, { type: 'test:summary' }>['data'];

function count(outcome: Outcome, { counts, file, duration_ms, success }: Summary): void {
  if (file !== undefined) {
    outcome.timed.push({ ...suiteOf(relative(ROOT, file)), seconds: duration_ms / 1000 });
    return;
  }
  outcome.passed = counts.passed;
  const failed = counts.tests - counts.passed - counts.skipped - counts.todo;
  outcome.failed = success ? failed : Math.max(failed, 1);
  outcome.left = counts.skipped + counts.todo;
}

/** A process that ends before its report is out looks like a file without tests. */
function unreported(chosen: readonly Suite[], timed: readonly Timed[]): string[] {
  const reported = new Set(timed.map(({ path }) => path));
  const silent = chosen.filter(({ path }) => !reported.has(path));
  return silent.map(({ path }) => `${path} has reported no result`);
}

/** In the full tier a skipped test would be a promise that nobody looks at. */
function unfinished({ left }: Outcome): string[] {
  return all && left > 0 ? [`${left} tests are skipped or todo`] : [];
}

function slow(timed: readonly Timed[], wallSeconds: number): string[] {
  const used = timed.reduce((sum, { seconds }) => sum + seconds, 0);
  const given = timed.reduce((sum, { budgetSeconds }) => sum + budgetSeconds, 0);
  const wall = `${Math.round(wallSeconds)} s by the clock`;
  say(`${timed.length} suites used ${used.toFixed(1)} s of their ${given} s, ${wall}`);
  const faults = timed.flatMap((suite) => {
    const over = overBudget(suite, ci);
    if (over === null) return [];
    if (over.fails) return [over.says];
    say(`over budget: ${over.says}`);
    return [];
  });
  if (ci && wallSeconds > RUN_BUDGET_SECONDS) {
    faults.push(`the whole took ${wall}, more than ${RUN_BUDGET_SECONDS}: move or split suites`);
  }
  return faults;
}

function leftovers(mark: string): string[] {
  for (const leftover of findLeftovers(mark)) {
    end(leftover);
    say(`ended what a test left behind: process ${leftover.pid}, ${leftover.command}`);
  }
  return [];
}

function list(every: readonly Suite[]): void {
  for (const { tier, budgetSeconds, path } of every) {
    say(`${tier.padEnd(8)} ${String(budgetSeconds).padStart(4)} s  ${path}`);
  }
}

function usage(what: string): void {
  process.stderr.write(`${what}\n${HELP}`);
  process.exitCode = 2;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
