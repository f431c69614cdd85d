/** The one gate: `npm run check`, or `npm run check -- STEP…` for some of its steps. */

import { type SpawnOptions, spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { checkDocs } from './docs.ts';
import { ROOT } from './files.ts';
import { checkImports } from './imports.ts';
import { checkPromises } from './promises.ts';
import { checkGenerated } from './schemas.ts';

interface Step {
  readonly name: string;
  readonly says: string;
  /** What is wrong; nothing when all is well. */
  run(): Promise<string[]> | string[];
}

const STEPS: readonly Step[] = [
  {
    name: 'types',
    says: 'the types hold (tsc)',
    run: () => command('tsc', '-p', '.'),
  },
  {
    name: 'style',
    says: 'format and lint, no floating promises (biome)',
    run: () => command('biome', 'check', '--error-on-warnings', '--max-diagnostics=100', '.'),
  },
  {
    name: 'imports',
    says: 'the rooms import only what they may; no cycles, no stray stdout, environment or exit',
    run: checkImports,
  },
  {
    name: 'docs',
    says: 'paths, links, scripts and counts in the documents are true',
    run: checkDocs,
  },
  {
    name: 'promises',
    says: 'every promise of test/promises.ts is cited by a test, or a known gap',
    run: checkPromises,
  },
  {
    name: 'schemas',
    says: 'the events are well-formed, break no reader, and their code is current (buf)',
    run: checkSchemas,
  },
];

const names = process.argv.slice(2);
const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
if (names.includes('--help') || names.includes('-h')) help();
else if (unknown.length > 0) {
  process.stderr.write(`no such step: ${unknown.join(', ')}\n`);
  help();
  process.exitCode = 2;
} else await check(STEPS.filter((step) => names.length === 0 || names.includes(step.name)));

/** Two at a time: the slow ones are programs of their own, and two cores are usual. */
async function check(steps: readonly Step[]): Promise<void> {
  const waiting = [...steps];
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await report(step);
  };
  await Promise.all([worker(), worker()]);
}

async function report(step: Step): Promise<void> {
  const started = performance.now();
  const wrong = await step.run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(5);
  const verdict = wrong.length === 0 ? 'ok    ' : 'FAILED';
  process.stdout.write(`${verdict} ${seconds} s  ${step.name.padEnd(9)} ${step.says}\n`);
  for (const line of wrong) process.stdout.write(`  ${line.replaceAll('\n', '\n  ')}\n`);
  if (wrong.length > 0) process.exitCode = 1;
}

async function checkSchemas(): Promise<string[]> {
  return [
    ...(await command('buf', 'lint', 'schemas')),
    ...(await command('buf', 'format', 'schemas', '--diff', '--exit-code')),
    ...(await command('buf', 'breaking', 'schemas', '--against', 'schemas/baseline.binpb')),
    ...checkGenerated(),
  ];
}

/** Runs a program of node_modules; what it printed where it failed. */
function command(name: string, ...args: readonly string[]): Promise<string[]> {
  const path = join(ROOT, 'node_modules', '.bin');
  const env = { ...process.env, PATH: path + delimiter + process.env.PATH };
  const options: SpawnOptions = { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] };
  return new Promise((resolve) => {
    const child = spawn(join(path, name), args, options);
    let printed = '';
    child.stdout?.on('data', (chunk) => (printed += String(chunk)));
    child.stderr?.on('data', (chunk) => (printed += String(chunk)));
    child.on('error', (error) => resolve([`${name} cannot be started: ${error.message}`]));
    child.on('close', (code) => resolve(code === 0 ? [] : [printed.trim() || `${name}: ${code}`]));
  });
}

function help(): void {
  process.stdout.write('npm run check             everything\nnpm run check -- STEP…    some:\n\n');
  for (const step of STEPS) process.stdout.write(`  ${step.name.padEnd(9)} ${step.says}\n`);
}
