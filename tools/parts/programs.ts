/** The programs of the machine that parts need: found, installed, run. */

import { spawn } from 'node:child_process';
import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Say } from './cache.ts';

export interface Needed {
  readonly program: string;
  /** Its package on Debian and Ubuntu, where that is new enough. */
  readonly debian?: string;
  /** What a person does where we cannot install it. */
  readonly otherwise: string;
  /** Where to look after the path: patterns of folders. */
  readonly places?: readonly string[];
}

/** Installs what is missing where that is ours to do: as root, with apt. @throws naming it. */
export async function need(needed: readonly Needed[], say: Say): Promise<void> {
  const missing = needed.filter((each) => findProgram(each) === undefined);
  if (missing.length === 0) return;
  const packages = new Set(missing.map(({ debian }) => debian ?? ''));
  if (!packages.has('') && findProgram(APT) !== undefined && process.getuid?.() === 0) {
    say(`installing ${[...packages].join(', ')}`);
    await install([...packages]);
  }
  const left = missing.filter((each) => findProgram(each) === undefined);
  if (left.length === 0) return;
  const says = left.map(({ program, otherwise }) => `${program} is missing: ${otherwise}`);
  throw new Error(says.join('\n'));
}

const APT = { program: 'apt-get' };

/** RUNLEVEL=1: the package's own service is not started. */
async function install(packages: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await execute('apt-get', ['update', '-qq'], { env });
  await execute('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
    env,
  });
}

/** Its whole path. */
export function findProgram({
  program,
  places = [],
}: Pick<Needed, 'program' | 'places'>): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return [
    ...folders,
    ...globSync([...places])
      .toSorted()
      .toReversed(),
  ]
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Who runs it, where that is another than us. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

const OUTPUT_LINES_MAX = 25;

export interface Execution {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** On its stdin; else that is empty. */
  readonly input?: string | Buffer;
  readonly user?: User;
}

/** Runs a command to its end and answers what it printed. @throws with its last lines. */
export async function execute(
  command: string,
  args: readonly string[],
  { input, user, ...options }: Execution = {},
): Promise<string> {
  const child = spawn(command, args, { ...options, ...user, stdio: 'pipe' });
  // A command that ends before it has read its input says so by its exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const output: string[] = [];
  child.stdout.on('data', (chunk) => output.push(String(chunk)));
  child.stderr.on('data', (chunk) => output.push(String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const text = output.join('');
  if (code === 0) return text;
  const end = text.trimEnd().split('\n').slice(-OUTPUT_LINES_MAX).join('\n');
  throw new Error(`${command} ${args[0] ?? ''} ended with ${code}:\n${end}`);
}
