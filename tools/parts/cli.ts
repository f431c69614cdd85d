/** `npm run parts`: real parts for development, each started once and stopped by its id. */

import { parseArgs } from 'node:util';
import { locked, type Say } from './cache.ts';
import { startKafka } from './kafka.ts';
import { startRedis } from './redis.ts';
import { end, type Running, recall, remember } from './running.ts';
import { startSpicedb } from './spicedb.ts';

const HELP = `npm run parts -- up [PART…]      starts them and says with which settings to use them
npm run parts -- down [PART…]    stops them; their data go too
npm run parts -- status          which run

PART: kafka, spicedb, redis; none: all of them. --json: one JSON document on stdout.
Each is brought once (Kafka by Maven, SpiceDB by Go in two or three minutes, Redis from Debian).
`;

const START = {
  kafka: (say: Say) => startKafka({}, say),
  spicedb: (say: Say) => startSpicedb({}, say),
  redis: (say: Say) => startRedis({}, say),
};
type PartName = keyof typeof START;
const NAMES = Object.keys(START) as PartName[];

const COMMANDS: Readonly<Record<string, (names: readonly PartName[]) => Promise<Running[]>>> = {
  up: (names) => each(names, up),
  down: (names) => each(names, down),
  status: (names) => each(names, recall),
};

interface Asked {
  readonly verb: string;
  readonly names: readonly PartName[];
  readonly help: boolean;
  readonly json: boolean;
}

await main();

async function main(): Promise<void> {
  let asked: Asked;
  try {
    asked = read();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  if (asked.help) {
    process.stdout.write(HELP);
    return;
  }
  try {
    const parts = await COMMANDS[asked.verb]?.(asked.names);
    print(asked, parts ?? []);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

/** @throws on words that mean nothing. */
function read(): Asked {
  const options = { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [verb = 'status', ...words] = positionals;
  if (!Object.hasOwn(COMMANDS, verb)) throw new Error(`unknown: ${verb}`);
  const unknown = words.filter((word) => !Object.hasOwn(START, word));
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}`);
  const names = NAMES.filter((name) => words.length === 0 || words.includes(name));
  return { verb, names, help: values.help ?? false, json: values.json ?? false };
}

async function each(
  names: readonly PartName[],
  task: (name: PartName) => Promise<Running | undefined>,
): Promise<Running[]> {
  const done: Running[] = [];
  for (const name of names) {
    const running = await task(name);
    if (running !== undefined) done.push(running);
  }
  return done;
}

async function up(name: PartName): Promise<Running> {
  return await waiting(name, 'starting', (say) =>
    alone(name, say, async () => {
      const there = await recall(name);
      if (there !== undefined) return there;
      const part = await START[name](say);
      const { pid, directory, address, env } = part;
      const running = await remember({ name, pid, directory, address, env });
      part.release();
      return running;
    }),
  );
}

async function down(name: PartName): Promise<Running | undefined> {
  return await waiting(name, 'stopping', (say) =>
    alone(name, say, async () => {
      const there = await recall(name);
      if (there !== undefined) await end(there);
      return there;
    }),
  );
}

/** Two commands at the same time would start two and remember one. */
function alone<T>(name: PartName, say: Say, task: () => Promise<T>): Promise<T> {
  return locked(`running-${name}`, () => say('another command is at it: waiting'), task);
}

/** On a terminal one line that counts the seconds; elsewhere a line for each step. */
async function waiting<T>(
  name: PartName,
  first: string,
  task: (say: Say) => Promise<T>,
): Promise<T> {
  const began = performance.now();
  let step = first;
  const onTerminal = process.stderr.isTTY;
  const tick = (): void => {
    const seconds = Math.floor((performance.now() - began) / 1_000);
    process.stderr.write(`\r\u001b[K${name}: ${step} (${seconds} s)`);
  };
  const timer = onTerminal ? setInterval(tick, 1_000) : undefined;
  try {
    return await task((text) => {
      step = text;
      if (onTerminal) tick();
      else process.stderr.write(`${name}: ${text}\n`);
    });
  } finally {
    clearInterval(timer);
    if (onTerminal) process.stderr.write('\r\u001b[K');
  }
}

function print({ verb, json }: Asked, parts: readonly Running[]): void {
  if (json) {
    const answer = parts.map(({ name, pid, address, env }) => ({ name, pid, address, env }));
    process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  if (parts.length === 0) process.stdout.write('none runs\n');
  for (const { name, pid, address, env } of parts) {
    const state = verb === 'down' ? 'stopped' : 'runs';
    process.stdout.write(`# ${name} ${state}: process ${pid}, ${address}\n`);
    if (verb === 'down') continue;
    for (const [key, value] of Object.entries(env)) process.stdout.write(`${key}=${value}\n`);
  }
}
