import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gatewayRig } from './gateway.rig.ts';

const CROWD = fileURLToPath(new URL('./crowd.rig.ts', import.meta.url));
const CONNECTIONS = 2_000;
const BYTES_MAX = 20 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is kept: heap, and what buffers have outside it. */
async function kept(): Promise<number> {
  for (let turn = 0; turn < 3; turn += 1) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function crowd(url: string, count: number): Promise<() => Promise<void>> {
  const args = [CROWD, url, String(count)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  assert.equal(Number(said.toString()), count);
  return async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
}

test('B-GW-13: a connection with a token and a subscription keeps at most 20 KB, and gives it back', async (t) => {
  const rig = await gatewayRig();
  // What is made once, and what the compiler keeps, is there before it is counted.
  const first = await crowd(rig.url, 200);
  await first();
  while (rig.gateway.connections > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  rig.audited.length = 0;
  const before = await kept();
  const end = await crowd(rig.url, CONNECTIONS);
  assert.equal(rig.gateway.connections, CONNECTIONS);
  assert.equal(rig.gateway.hub.subscriptions, CONNECTIONS);
  rig.audited.length = 0;
  const each = ((await kept()) - before) / CONNECTIONS;
  await end();
  while (rig.gateway.connections > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const left = ((await kept()) - before) / CONNECTIONS;
  t.diagnostic(JSON.stringify({ bytesEach: Math.round(each), bytesLeft: Math.round(left) }));
  assert.ok(each <= BYTES_MAX, `${each} bytes`);
  // A stream is remembered for a while, so that one that is gone is told from one that never was.
  assert.ok(left <= 1_024, `${left} bytes are left`);
  assert.equal(rig.gateway.hub.subscriptions, 0);
  await rig.stop();
});
