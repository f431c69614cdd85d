import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from './harness.ts';

const RESULTS = new URL('results', import.meta.url).pathname;

interface Kept {
  readonly date: string;
  readonly commit: string;
  readonly machine: { readonly cores?: number; readonly load?: number };
  readonly rows?: readonly Row[];
}

/** Everything that was measured last, one table, each part with its day, commit and the load then. */
export function printTable(json: boolean): void {
  const kept = readdirSync(RESULTS)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({ name: name.replace('.json', ''), ...read(name) }));
  if (json) {
    process.stdout.write(`${JSON.stringify(kept, null, 2)}\n`);
    return;
  }
  const all = kept.flatMap(({ rows = [] }) => rows);
  const width = Math.max(...all.map(({ what }) => what.length));
  for (const { name, date, commit, machine, rows = [] } of kept) {
    if (rows.length === 0) continue;
    const load = machine.load === undefined ? '' : `, load ${machine.load.toFixed(1)}`;
    process.stdout.write(`${name}  (${date.slice(0, 10)}, ${commit.slice(0, 7)}${load})\n`);
    for (const row of rows) process.stdout.write(`  ${lineOf(row, width)}\n`);
  }
}

function read(name: string): Kept {
  return JSON.parse(readFileSync(join(RESULTS, name), 'utf8')) as Kept;
}

function lineOf({ what, value, unit, bar }: Row, width: number): string {
  const number = value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 });
  const against = bar === undefined ? '' : `   (bar: ${bar})`;
  return `${what.padEnd(width)}  ${number.padStart(10)} ${unit}${against}`;
}
