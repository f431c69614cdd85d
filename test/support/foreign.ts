/** Clients of other languages, as programs: installed once, outside the tree, by their own tools. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cached } from '../../tools/parts/cache.ts';
import { type Line, type Program, seenIn } from './program.ts';

type Command = readonly [program: string, ...args: string[]];
/** An example of `examples/`: how it is installed, and how it is then run. */
export interface Example {
  readonly folder: string;
  /** Examples of one kind with the same pins share an installation. */
  readonly kind: 'python' | 'js' | 'go';
  /** Files that say what is installed: another text, another installation. */
  readonly pins: readonly string[];
  install(folder: string, from: string): Promise<void>;
  command(folder: string, from: string): Command;
}

const EXAMPLES = new URL('../../examples/', import.meta.url).pathname;

const python = (folder: string, script: string): Example => ({
  folder,
  kind: 'python',
  pins: ['requirements.txt'],
  async install(into, from) {
    await done(['python3', '-m', 'venv', into]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
    await done([join(into, 'bin/python'), ...pip, '-r', join(from, 'requirements.txt')]);
  },
  command: (into, from) => [join(into, 'bin/python'), join(from, script)],
});

export const FOREIGN = {
  pythonListen: python('python-listen', 'listen.py'),
  pythonSession: python('python-session', 'watch.py'),
  langchainPython: python('langchain-python', 'agent.py'),
  langchainJs: {
    folder: 'langchain-js',
    kind: 'js',
    pins: ['package.json', 'package-lock.json', 'agent.js', 'follow.js', 'model.js'],
    async install(into, from) {
      for (const name of this.pins) await copyFile(join(from, name), join(into, name));
      await done(['npm', 'ci', '--prefix', into, '--no-audit', '--no-fund', '--ignore-scripts']);
    },
    command: (into) => [process.execPath, join(into, 'agent.js')],
  },
  goListen: {
    folder: 'go-listen',
    kind: 'go',
    pins: ['go.mod', 'go.sum', 'main.go'],
    install: (into, from) => done(['go', 'build', '-o', join(into, 'go-listen'), '.'], from),
    command: (into) => [join(into, 'go-listen')],
  },
} as const satisfies Record<string, Example>;

/** Starts an example against a server, as the holder of a token. */
export async function startExample(
  example: Example,
  { url, token }: { url: string; token: string },
  uris: readonly string[],
): Promise<Program> {
  const from = join(EXAMPLES, example.folder);
  const [program, ...args] = example.command(await installed(example, from), from);
  const env = { ...process.env, TWIN_URL: url, TWIN_TOKEN: token };
  const child = spawn(program, [...args, ...uris], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  return programOf(child);
}

function programOf(child: ChildProcess): Program {
  const lines: Line[] = [];
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  if (child.stdout === null) throw new Error('no stdout');
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line) as Line));
  return {
    lines,
    seen: (event, count = 1) => seenIn(lines, event, count, () => (child.exitCode ?? 0) > 0),
    again: () => void child.stdin?.write('\n'),
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The folder of an installation, made where these pins have none yet. */
async function installed(example: Example, from: string): Promise<string> {
  const pins = await Promise.all(example.pins.map((name) => readFile(join(from, name))));
  const hash = createHash('sha256').update(Buffer.concat(pins)).digest('hex').slice(0, 16);
  const name = `client-${example.kind}-${hash}`;
  const say = (text: string): void => void process.stderr.write(`# ${text}\n`);
  return await cached(name, say, (into) => example.install(into, from));
}

function done([program, ...args]: Command, cwd?: string): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], cwd });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')}: ${code}`)),
    );
  });
}
