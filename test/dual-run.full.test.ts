import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ComparisonReport, RolloutStatus } from '../src/contract/rollout.ts';
import { sleep } from '../src/kernel/clock.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

/**
 * Both ways at once: a server with members on it, and another one that stands in for Pusher by its
 * own Pusher face, with the same app and keys, so that one authorization serves on both.
 */
const APP = { id: 'visits', key: 'visits-key', secret: 'a-secret-of-more-than-20-characters' };
const EVENTS = 120;
let pusher: TestServer;
let server: TestServer;
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'twin-dual-'));
  const PUSHER_APPS = JSON.stringify([{ ...APP, tenant: 'demo' }]);
  pusher = await startServer({ env: { PUSHER_APPS } });
  const keys = join(directory, 'keys.json');
  await cp(join(pusher.dataDir, 'keys.json'), keys);
  const { host } = new URL(pusher.url);
  const bridge = `http://${APP.key}:${APP.secret}@${host}/apps/${APP.id}`;
  server = await startServer({ env: { PUSHER_APPS, KEYS_FILE: keys, PUSHER_BRIDGE_URL: bridge } });
});
after(async () => {
  await server.stop();
  await pusher.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A command in a process of its own; answers what it printed. */
function command(...words: string[]): { said: () => string; done: Promise<string> } {
  const args = [LAUNCHER, ...words, '--data-dir', server.dataDir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  const done = new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve(out) : reject(new Error(err))));
  });
  return { said: () => err, done };
}

test('B-GW-41: both ways are compared by what a device gets, and the next gate opens on the evidence', {
  timeout: 120_000,
}, async () => {
  const compare = ['pusher', 'compare', '--member', 'demo-ana', '--as', 'ana', '--seconds', '15'];
  const comparing = command(...compare, '--report', '--json');
  for (let tries = 0; !comparing.said().includes('listening both ways'); tries += 1) {
    assert.ok(tries < 600, comparing.said());
    await Promise.race([sleep(100), comparing.done]);
  }
  const scope = 'events:publish:call.join';
  const backend = await server.token('operator', { scope });
  for (let n = 0; n < EVENTS; n += 1) {
    const data = { callId: `call-${n}`, data: JSON.stringify({ callId: `call-${n}`, n }) };
    const body = JSON.stringify({ type: 'call.join', member: 'demo-ana', id: `e-${n}`, data });
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body };
    assert.equal((await server.fetch(backend, '/v1/events', init)).status, 201);
  }
  const report = JSON.parse(await comparing.done) as ComparisonReport;
  const { both, onlyGateway, onlyPusher, repeated, latencyMs } = report;
  assert.deepEqual(
    { both, onlyGateway, onlyPusher, repeated },
    {
      ...{ both: EVENTS, onlyGateway: 0, onlyPusher: 0 },
      repeated: { gateway: 0, pusher: 0 },
    },
  );
  assert.ok((latencyMs.gateway?.p50 ?? -1) >= 0 && (latencyMs.pusher?.p50 ?? -1) >= 0);
  const status = JSON.parse(await command('pusher', 'status', '--json').done) as RolloutStatus;
  assert.equal(status.comparisons.length, 1);
  assert.equal(status.days[0]?.bridged.join_call, EVENTS);
  assert.deepEqual(status.days[0]?.failed, {});
  const [gate] = status.gates;
  const shut = gate?.checks.filter(({ passed }) => !passed).map(({ name }) => name);
  // How fast a busy machine is decides the last one; the others do not depend on it.
  assert.ok(
    shut?.every((name) => name === 'as fast'),
    JSON.stringify(gate),
  );
  const printed = await command('pusher', 'status').done;
  assert.match(printed, /use-websocket-gateway, 0 % to 1 %: (open|shut)/);
  assert.match(printed, new RegExp(`join_call ${EVENTS}`));
});
