import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../src/cli/rig/run.ts';
import type { BatchReportRow, BatchStatus } from '../src/contract/eligibility-batches.ts';
import { type Simulator, startSimulator } from '../src/eligibility/simulator/server.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { startServer, type TestServer } from './support/server.ts';

let simulator: Simulator;
let server: TestServer;
const env = () => ({ CLEARINGHOUSE_URL: simulator.url });

before(async () => {
  simulator = await startSimulator({ clock: systemClock, slots: 0, timeScale: 0 });
  server = await startServer({ env: env() });
  const billing = 'organization:demo#billing@user:bill';
  assert.equal((await run(server.dataDir, ['relations', 'write', billing])).exit, 0);
});
after(async () => {
  await server.stop();
  await simulator.stop();
});

const folder = mkdtempSync(join(tmpdir(), 'batch-'));
function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('B-EL-11: a file of checks by the command line, with its report, and the twin told', async () => {
  const file = fileOf(
    'members.csv',
    'member,serviceTypes,reference\ndemo-ana,30,a\ndemo-ben,,b\ndemo-cleo,,c\ndemo-dov,,d\nnobody,,e\ndemo-ana,30,f\n',
  );
  const report = join(folder, 'report.ndjson');
  const as = ['--as', 'bill', '--json'];
  const ran = await run(server.dataDir, ['eligibility', 'batch', file, '--report', report, ...as]);
  const status = JSON.parse(ran.out) as BatchStatus;
  const rows = readFileSync(report, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as BatchReportRow);
  assert.equal(status.state, 'completed');
  assert.deepEqual(
    rows.map(({ reference, state, status: said, reason }) => [reference, state, said ?? reason]),
    [
      ['a', 'done', 'active'],
      ['b', 'done', 'active'],
      ['c', 'done', 'active'],
      ['d', 'done', 'active'],
      ['e', 'refused', 'not-found'],
      ['f', 'same', 'active'],
    ],
  );
  assert.equal(ran.exit, 5);
  const uri = 'mcp://twins/member/demo-ana/coverage';
  const read = await run(server.dataDir, ['get', uri, '--as', 'ana', '--json']);
  assert.match(read.out, new RegExp(`"check": ?"${rows[0]?.check}"`));
  const other = await run(server.dataDir, [
    ...['eligibility', 'batch', '--batch', status.batchId, '--as', 'operator'],
  ]);
  assert.equal(other.exit, 1);
});

test('B-EL-12: a server killed in the middle of a batch goes on with it when it starts again', async () => {
  await fetch(`${simulator.url}/_simulator`, {
    method: 'PUT',
    body: JSON.stringify({ timeScale: 1 }),
  });
  const lines = ['demo-ana', 'demo-ben', 'demo-cleo'].map((member) => JSON.stringify({ member }));
  const file = fileOf('more.ndjson', lines.join('\n'));
  const as = ['--as', 'bill', '--json'];
  const sent = await run(server.dataDir, ['eligibility', 'batch', file, '--no-wait', ...as]);
  const { batchId } = JSON.parse(sent.out) as BatchStatus;
  await server.kill();
  await fetch(`${simulator.url}/_simulator`, {
    method: 'PUT',
    body: JSON.stringify({ timeScale: 0 }),
  });
  server = await startServer({ dataDir: server.dataDir, env: env() });
  const waited = await run(server.dataDir, ['eligibility', 'batch', '--batch', batchId, ...as]);
  const { state, progress } = JSON.parse(waited.out) as BatchStatus;
  assert.deepEqual([state, progress.answered], ['completed', 3]);
});
