/** The real parts of a test run: brought before the first test, one broker for all of them. */

import { SHARED_KAFKA } from '../test/support/parts.ts';
import { readFiles } from './files.ts';
import { importsOf } from './imports.ts';
import { bringChromium } from './parts/chromium.ts';
import { bringKafka, startKafka } from './parts/kafka.ts';
import { bringKcat } from './parts/kcat.ts';
import { bringPostgres } from './parts/postgres.ts';
import { bringRedis } from './parts/redis.ts';
import { bringSpicedb } from './parts/spicedb.ts';
import type { Suite } from './test-suites.ts';

/** Answers what stops them. Does nothing where no suite of the full tier asks for a real part. */
export async function startParts(
  suites: readonly Suite[],
  say: (text: string) => void,
): Promise<() => Promise<void>> {
  if (!suites.some(asksForParts)) return async () => {};
  const began = performance.now();
  const tell = (part: string) => (text: string) => say(`${part}: ${text}`);
  // What takes minutes comes last: whatever else is missing is told before.
  await bringOthers(tell);
  await bringSpicedb(tell('spicedb'));
  const broker = await startKafka({}, tell('kafka'));
  process.env[SHARED_KAFKA] = broker.address;
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  say(`real parts are there after ${seconds} s; kafka at ${broker.address} serves every suite`);
  return () => broker.stop();
}

async function bringOthers(tell: (part: string) => (text: string) => void): Promise<void> {
  await bringKafka(tell('kafka'));
  await bringRedis(tell('redis'));
  await bringKcat(tell('kcat'));
  await bringPostgres(tell('postgres'));
  await bringChromium(tell('chromium'));
}

/** Whether it imports them, itself or by what only tests import. */
function asksForParts({ tier, path }: Suite): boolean {
  const seen = new Set<string>();
  const reaches = (file: string): boolean => {
    if (file === PARTS) return true;
    if (seen.has(file) || !/^(src|test)\//.test(file)) return false;
    seen.add(file);
    return readFiles(file).flatMap(importsOf).some(reaches);
  };
  return tier === 'full' && reaches(path);
}

const PARTS = 'test/support/parts.ts';

/** One line for what a run leaves out, and each of its files. */
export function describeWaiting(waiting: readonly Suite[]): string[] {
  if (waiting.length === 0) return [];
  const written = readFiles(...waiting.map(({ path }) => path));
  const tests = written.reduce((sum, { text }) => sum + (text.match(TEST)?.length ?? 0), 0);
  const parts = waiting.filter(asksForParts).length;
  return [
    `${waiting.length} suites with at least ${tests} tests wait for --all, ` +
      `${parts} of them for Kafka, SpiceDB or Redis:`,
    ...waiting.map(({ path }) => `  ${path}`),
  ];
}

const TEST = /^\s*(?:test|it)\(/gm;
