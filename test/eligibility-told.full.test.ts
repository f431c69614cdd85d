import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Simulator, startSimulator } from '../src/eligibility/simulator/server.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { createTwinClient } from '../src/sdk/index.ts';
import { startServer, type TestServer } from './support/server.ts';

const URI = 'mcp://twins/member/demo-ben/coverage';
let simulator: Simulator;
let server: TestServer;
before(async () => {
  simulator = await startSimulator({ clock: systemClock, timeScale: 0.2 });
  server = await startServer({ env: { CLEARINGHOUSE_URL: simulator.url } });
});
after(async () => {
  await server.stop();
  await simulator.stop();
});

interface Coverage {
  readonly eligibility: { readonly status: string; readonly check?: string };
  readonly benefits: readonly { readonly kind: string; readonly check?: string }[];
}

test('B-EL-8: who subscribes is told when the payer answers, and reads the fact by the reader', async () => {
  const scope = 'twin:read twin:subscribe eligibility:check';
  const token = await server.token('ben', { scope });
  const client = createTwinClient({ url: server.url, token });
  const read = async () => (await client.read(URI)).document.data as unknown as Coverage;
  const seen: string[] = [];
  const ended = new AbortController();
  const ready = Promise.withResolvers<void>();
  const look = async (): Promise<void> => {
    const { eligibility } = await read();
    seen.push(eligibility.status);
    if (eligibility.status === 'active' && eligibility.check !== undefined) ended.abort();
  };
  const watching = client.watch([URI], () => void look(), {
    signal: ended.signal,
    onState: ({ state }) => state === 'listening' && ready.resolve(),
  });
  await ready.promise;
  const answer = await fetch(`${server.url}/v1/eligibility/checks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ member: 'demo-ben', mode: 'REQUIRE_FRESH' }),
  });
  assert.equal(answer.status, 202);
  const { checkId } = (await answer.json()) as { checkId: string };
  await watching;
  const { eligibility, benefits } = await read();
  assert.deepEqual([eligibility.status, eligibility.check], ['active', checkId]);
  assert.ok(benefits.some(({ kind, check }) => kind === 'deductible' && check === checkId));
  assert.ok(seen.includes('active'));
  await client.close();
});
