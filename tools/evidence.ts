/**
 * Does the answer stand in the context? Asks every question of a set through the MCP tools of a
 * fresh server, within a budget of tokens, beside BM25 and the raw bundle.
 * `npm run evidence [-- --set FILE] [--folder DIR] [--only KIND] [--misses]`
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure } from './evidence/measure.ts';
import { summaryOf, tableOf } from './evidence/report.ts';
import { readSet, SETS, setName } from './evidence/sets.ts';
import { ROOT } from './files.ts';

const RESULTS = 'bench/results/evidence.json';

const { values } = parseArgs({
  options: {
    set: { type: 'string', multiple: true },
    folder: { type: 'string', multiple: true },
    only: { type: 'string' },
    misses: { type: 'boolean', default: false },
  },
});

const sets: Record<string, unknown> = {};
for (const file of values.set ?? SETS) {
  const questions = readSet(file).filter(
    ({ kind, member }) =>
      values.only === undefined || kind.startsWith(values.only) || member.startsWith(values.only),
  );
  const asked = await measure(questions, values.folder);
  process.stdout.write(`${tableOf(setName(file), asked)}\n`);
  for (const { question, search, pair } of asked) {
    if (!values.misses || (search.met && pair.met)) continue;
    const { id, answers } = question;
    const how = pair.met ? 'only with a read' : 'not at all';
    process.stdout.write(
      `${id} (${how}): ${question.question}\n  ${JSON.stringify(answers)}\n${search.text}\n`,
    );
  }
  sets[setName(file)] = summaryOf(asked);
}

/** A part of the questions is no result. */
if (values.only === undefined) {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT }).toString().trim();
  const [{ model = 'unknown' } = {}] = cpus();
  const machine = { cpus: cpus().length, model, memoryGb: Math.round(totalmem() / 2 ** 30) };
  const result = {
    date: new Date().toISOString(),
    commit: git('rev-parse', 'HEAD'),
    changed: git('status', '--porcelain', '--', 'src') !== '',
    machine: { ...machine, node: process.version },
    sets,
  };
  mkdirSync(dirname(join(ROOT, RESULTS)), { recursive: true });
  writeFileSync(join(ROOT, RESULTS), `${JSON.stringify(result, null, 2)}\n`);
}
