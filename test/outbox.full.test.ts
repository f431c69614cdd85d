import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { sleep, systemClock } from '../src/kernel/clock.ts';
import { createEmbeddedLog } from '../src/log/embedded.ts';
import type { LogRecord } from '../src/twin/ports.ts';

/** kill -9 while facts are held, and while they reach the log: what was acknowledged is there. */
const SCRIPT = new URL('../src/log/test/hold-until-killed.ts', import.meta.url).pathname;
const HOLDS = 4;
const DRAINS = 6;

const dataDir = await mkdtemp(join(tmpdir(), 'twin-outbox-kill-'));
let child: ChildProcess | undefined;
after(async () => {
  child?.kill('SIGKILL');
  await rm(dataDir, { recursive: true });
});

function run(turn: number, log: 'away' | 'there') {
  const args = [SCRIPT, dataDir, String(turn), log];
  const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  child = started;
  const said: string[] = [];
  createInterface({ input: started.stdout }).on('line', (line) => said.push(line));
  return { child: started, said, ended: once(started, 'close') };
}

async function allRecords(): Promise<LogRecord[]> {
  const log = createEmbeddedLog({
    ...{
      dataDir,
      clock: systemClock,
      memberIds: 'patient-id',
      memberIdKey: new Uint8Array(32),
      etagKey: new Uint8Array(32),
    },
    onError: assert.ifError,
  });
  await log.start();
  const parts = Array.from({ length: log.log.partitions }, (_, part) => part);
  const records = await Promise.all(parts.map((part) => log.log.read(part, 0, 1_000_000)));
  await log.stop();
  return records.flat();
}

/** Of the first condition of each held bundle; the bundle of a fact is in its id. */
function bundlesIn(records: readonly LogRecord[]): string[] {
  const facts = records.filter(({ type }) => type === 'Condition');
  return facts.flatMap(({ id }) => (id.endsWith('-0') ? [id.slice(1, -2)] : []));
}

test('P2, P4, B-LV-1: kill -9 while facts are held and while they reach the log', async () => {
  const acknowledged: string[] = [];
  for (let turn = 0; turn < HOLDS; turn += 1) {
    const { child: holder, said, ended } = run(turn, 'away');
    while (said.length < 5) await sleep(5);
    await sleep(Math.random() * 60);
    holder.kill('SIGKILL');
    await ended;
    acknowledged.push(...said);
  }
  assert.deepEqual(bundlesIn(await allRecords()), [], 'nothing of it is in the log yet');

  let kills = 0;
  const progress: number[] = [];
  for (let turn = 0; turn < DRAINS; turn += 1) {
    const { child: drainer, said, ended } = run(turn, 'there');
    while (said.length === 0) await sleep(1);
    await sleep(Math.random() * 250);
    if (!said.includes('drained')) kills += 1;
    drainer.kill('SIGKILL');
    await ended;
    progress.push(bundlesIn(await allRecords()).length);
  }
  const last = run(DRAINS, 'there');
  await last.ended;
  assert.deepEqual(last.said, ['draining', 'drained']);

  const records = await allRecords();
  const bundles = bundlesIn(records);
  assert.deepEqual(new Set(bundles).size, bundles.length, 'each once');
  const held = new Set(bundles);
  for (const bundle of acknowledged) assert.ok(held.has(bundle), `${bundle} was acknowledged`);
  assert.ok(bundles.length - acknowledged.length <= HOLDS, 'and one a kill that was not');
  assert.deepEqual(
    bundles,
    bundles.toSorted((a, b) => orderOf(a) - orderOf(b)),
    'in the order in which they were held',
  );
  assert.ok(records.length >= bundles.length * 20, 'none is half there');
  console.log(
    `# ${acknowledged.length} acknowledged, ${HOLDS} + ${kills} kills, at ${progress.join(', ')}`,
  );
});

function orderOf(bundle: string): number {
  const [turn = 0, index = 0] = bundle.split('-').map(Number);
  return turn * 1_000_000 + index;
}
