import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Enrollment } from '../src/contract/enrollments.ts';
import { type Simulator, startSimulator } from '../src/eligibility/simulator/server.ts';
import { sleep, systemClock } from '../src/kernel/clock.ts';
import { startServer, type TestServer } from './support/server.ts';

let simulator: Simulator;
let server: TestServer;
let token = '';
before(async () => {
  simulator = await startSimulator({ clock: systemClock, timeScale: 0.1 });
  server = await startServer({ env: { CLEARINGHOUSE_URL: simulator.url } });
  token = await server.token('ana', { scope: 'twin:read eligibility:check' });
});
after(async () => {
  await server.stop();
  await simulator.stop();
});

async function ask<T = Enrollment>(path: string, body?: object, as = token): Promise<[number, T]> {
  const headers = { authorization: `Bearer ${as}`, 'content-type': 'application/json' };
  const init = body && { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(`${server.url}${path}`, { headers, ...init });
  return [answer.status, (await answer.json()) as T];
}

const set = (controls: object) =>
  fetch(`${simulator.url}/_simulator`, { method: 'PUT', body: JSON.stringify(controls) });

async function until(id: string, done: (one: Enrollment) => boolean): Promise<Enrollment> {
  for (;;) {
    const [status, one] = await ask(`/v1/enrollments/${id}`);
    assert.equal(status, 200);
    if (done(one)) return one;
    await sleep(50);
  }
}

test('B-EL-13: an enrollment waits for the payer and is finalised by its answer, with its history', async () => {
  const body = { member: 'demo-ana', program: 'Diabetes prevention', idempotencyKey: 'one' };
  const [status, first] = await ask('/v1/enrollments', body);
  assert.deepEqual([status, first.state, first.reason], [202, 'pending', 'waiting-for-payer']);
  const [again, same] = await ask('/v1/enrollments', body);
  assert.deepEqual([again, same.id], [202, first.id]);
  const ended = await until(first.id, ({ state }) => state !== 'pending');
  assert.deepEqual(
    ended.history.map(({ state, reason }) => `${state} ${reason}`),
    ['pending waiting-for-payer', 'enrolled coverage-active'],
  );
  const [, coverage] = await ask<{ data: { enrollments: { status: string; title: string }[] } }>(
    '/v1/twins/member/demo-ana/coverage',
  );
  assert.deepEqual(
    coverage.data.enrollments.map(({ status: said, title }) => [said, title]),
    [['enrolled', 'Enrollment, Diabetes prevention']],
  );
  const [now, cached] = await ask('/v1/enrollments', { member: 'demo-ana', program: 'Walking' });
  assert.deepEqual([now, cached.state], [201, 'enrolled']);
});

test('B-EL-13: a server that is killed while an enrollment waits finalises it afterwards', async () => {
  // Refused for want of a slot: nothing has reached the payer, so it is asked again at once.
  await set({ slots: 0 });
  const body = { member: 'demo-ana', program: 'Foot care', serviceTypes: ['98'] };
  const [status, first] = await ask('/v1/enrollments', body);
  assert.equal(status, 202);
  await server.kill();
  await set({ slots: 15, timeScale: 0.01 });
  server = await startServer({
    dataDir: server.dataDir,
    env: { CLEARINGHOUSE_URL: simulator.url },
  });
  token = await server.token('ana', { scope: 'twin:read eligibility:check' });
  const ended = await until(first.id, ({ state }) => state !== 'pending');
  assert.equal(ended.state, 'enrolled');
});

test('an enrollment is for who may check the member', async () => {
  const [, mine] = await ask('/v1/enrollments', { member: 'demo-ana', program: 'Walking again' });
  const ben = await server.token('ben', { scope: 'twin:read eligibility:check' });
  assert.equal((await ask(`/v1/enrollments/${mine.id}`, undefined, ben))[0], 404);
  const stranger = { member: 'demo-ana', program: 'X' };
  assert.equal((await ask('/v1/enrollments', stranger, ben))[0], 404);
  for (const id of ['demo-ana', `demo-ana.${'a'.repeat(26)}`, '..', 'x.y.z']) {
    assert.equal((await ask(`/v1/enrollments/${encodeURIComponent(id)}`))[0], 404);
  }
  assert.equal((await ask('/v1/enrollments', { member: 'demo-ana' }))[0], 400);
});
