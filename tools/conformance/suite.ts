import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../files.ts';

/** The revisions that this server speaks; the suite holds a frozen list of scenarios for each. */
export const REVISIONS = ['2026-07-28', '2025-11-25'] as const;
export type Revision = (typeof REVISIONS)[number];

export interface Outcome {
  readonly scenario: string;
  readonly scored: boolean;
  readonly passed: number;
  /** What failed, in the suite's words; a scored scenario that never ran counts as failed. */
  readonly failures: readonly string[];
}

const SUITE = join(ROOT, 'node_modules/@modelcontextprotocol/conformance');
const RESULT = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/;

/**
 * Runs the official suite's server scenarios of a revision, at its wire version.
 * @param url of the MCP endpoint, on localhost (the suite's rebinding scenario asks for that)
 */
export async function runSuite(url: string, revision: Revision): Promise<Outcome[]> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const asked = ['server', '--url', url, '--requirements', revision, '-o', folder];
    await ended([join(SUITE, 'dist/index.js'), ...asked]);
    const scored = await scoredScenarios(revision);
    const outcomes = await Promise.all(
      (await readdir(folder)).map((name) => outcomeOf(folder, name, scored)),
    );
    const missing = scored.filter((one) => !outcomes.some(({ scenario }) => scenario === one));
    return [
      ...outcomes,
      ...missing.map((scenario) => ({
        scenario,
        scored: true,
        passed: 0,
        failures: ['did not run'],
      })),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The suite's own exit code also counts what is not scored, so its results are read instead. */
function ended(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}

/** The names under `server:` in the suite's frozen list. */
async function scoredScenarios(revision: Revision): Promise<string[]> {
  const text = await readFile(join(SUITE, 'requirements', `${revision}.yaml`), 'utf8');
  const block = /^server:\n((?:[ ]+- .*\n)+)/m.exec(text)?.[1] ?? '';
  return block.split('\n').flatMap((line) => /- (\S+)/.exec(line)?.[1] ?? []);
}

interface Check {
  readonly name: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

async function outcomeOf(
  folder: string,
  name: string,
  scored: readonly string[],
): Promise<Outcome> {
  const scenario = RESULT.exec(name)?.[1] ?? name;
  const text = await readFile(join(folder, name, 'checks.json'), 'utf8');
  const checks = JSON.parse(text) as Check[];
  const failed = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
  const passed = checks.filter(({ status }) => status === 'SUCCESS').length;
  const isScored = scored.includes(scenario);
  // A scenario that checked nothing has shown nothing.
  const empty = isScored && passed === 0 && failed.length === 0 ? ['nothing was checked'] : [];
  const failures = failed.map((check) => `${check.name}: ${check.errorMessage ?? check.status}`);
  return { scenario, scored: isScored, passed, failures: [...failures, ...empty] };
}
