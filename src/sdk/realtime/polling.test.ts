import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Change, ChangesPage } from '../../contract/documents.ts';
import type { Filter } from '../../contract/frames.ts';
import type { Fetch } from '../http.ts';
import { connectRealtime } from './client.ts';
import { eventFrame, fakeGateway, settled } from './fake-gateway.rig.ts';
import { passes } from './filters.ts';
import type { Realtime, RealtimeOptions } from './types.ts';

const CARE = 'mcp://twins/member/demo-ana/care';
let realtime: Realtime;
let gateway: ReturnType<typeof fakeGateway>;
/** What the feed was asked for, and who waits for its answer. */
let asked: { cursor: string; answer: (page: Partial<ChangesPage>) => Promise<void> }[];

beforeEach((t) => {
  assert.ok('mock' in t);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  asked = [];
});
afterEach(() => realtime.close());

const fetch: Fetch = (url, init) =>
  new Promise((resolve, reject) => {
    const { searchParams } = new URL(url);
    init?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
    const answer = (page: Partial<ChangesPage>): Promise<void> => {
      resolve(Response.json({ changes: [], next: 'n', more: false, ...page }));
      return settled();
    };
    asked.push({ cursor: searchParams.get('cursor') ?? '', answer });
  });

async function connect(options: Partial<RealtimeOptions> = {}): Promise<void> {
  gateway = fakeGateway();
  const { WebSocket } = gateway;
  realtime = connectRealtime({
    ...{ url: 'https://twin.example.org', token: 'T', WebSocket, fetch, ...options },
  });
  await settled();
}

async function failTimes(times: number, tick: (ms: number) => void): Promise<void> {
  for (let one = 0; one < times; one += 1) {
    gateway.socket.drop();
    await settled();
    if (one < times - 1) tick(30_000);
    await settled();
  }
}

const change = (
  etag: string | undefined,
  uri = CARE,
  kind: Change['kind'] = 'updated',
): Change => ({
  ...{ uri, position: `p${etag}`, kind, ...(etag !== undefined && { etag }) },
});

test('B-GW-36: where no socket can be had the feed is read, from the place taken while there was one', async (t) => {
  await connect();
  const told: unknown[] = [];
  const subscription = realtime.subscribe({ topics: ['twins'], member: 'demo-ana' });
  subscription.on('twins.resource-updated', (event) => {
    told.push([event.uri, event.position, event.polled ?? false]);
  });
  gateway.socket.welcome();
  await settled();
  await asked[0]?.answer({ next: 'kept' });
  await failTimes(2, (ms) => t.mock.timers.tick(ms));
  assert.equal(asked.length, 1, 'two failures are no reason yet');
  t.mock.timers.tick(30_000);
  await settled();
  await failTimes(1, (ms) => t.mock.timers.tick(ms));
  assert.ok(realtime.state.status === 'waiting' && realtime.state.polling);
  assert.equal(asked[1]?.cursor, 'kept');
  const foreign = 'mcp://twins/member/demo-ben/care';
  await asked[1]?.answer({ changes: [change('A'), change('B', foreign)], next: 'c2' });
  assert.equal(asked[2]?.cursor, 'c2');
  await asked[2]?.answer({ changes: [change('A')], next: 'c3' });
  assert.deepEqual(told, [[CARE, 'pA', true]], 'each state once, and of nobody else');

  t.mock.timers.tick(30_000);
  await settled();
  gateway.socket.welcome();
  const twins = { type: 'twins.resource-updated', topic: 'twins', uri: CARE } as const;
  gateway.socket.say(
    eventFrame(20, { ...twins, position: 'pA', replayed: true }),
    eventFrame(21, { ...twins, position: 'pC' }),
  );
  assert.deepEqual(told.slice(1), [[CARE, 'pC', false]]);
  await settled();
  assert.equal(realtime.state.status, 'connected');
  await asked[3]?.answer({ changes: [change('D')] });
  assert.equal(told.length, 2, 'with a socket the feed is silent');
});

test('B-GW-36: a feed that begins anew is a gap, one that is not for this client is an error', async (t) => {
  await connect({ pollAfter: 1 });
  const gaps: string[] = [];
  const errors: string[] = [];
  const since = { 'member:demo-ana': { epoch: 'one', offset: 1 } };
  realtime.subscribe({ topics: ['twins'], since }).onGap(({ reason }) => gaps.push(reason));
  realtime.onError(({ code }) => errors.push(code));
  await failTimes(1, (ms) => t.mock.timers.tick(ms));
  await asked[0]?.answer({ reset: true, next: 'c1' });
  assert.deepEqual(gaps, ['feed_reset']);
  realtime.close();
  const refusing: Fetch = () =>
    Promise.resolve(Response.json({ error: { code: 'INSUFFICIENT_SCOPE' } }, { status: 403 }));
  await connect({ pollAfter: 1, fetch: refusing });
  realtime.onError(({ code }) => errors.push(code));
  realtime.subscribe({ topics: ['twins'] });
  await failTimes(1, (ms) => t.mock.timers.tick(ms));
  assert.deepEqual(errors, ['INSUFFICIENT_SCOPE']);
});

test('B-GW-36: without the fall-back, and without twins, nothing is polled', async (t) => {
  for (const options of [{ fallback: 'none' as const, topics: ['twins'] as const }, {}]) {
    await connect({ pollAfter: 1, ...options });
    const { topics = ['call-notifications'] as const } = options as { topics?: readonly ['twins'] };
    realtime.subscribe({ topics });
    gateway.socket.welcome();
    await failTimes(1, (ms) => t.mock.timers.tick(ms));
    assert.equal(asked.length, 0);
    realtime.close();
  }
});

test('B-GW-33: after a gap the feed says which documents changed, each once, or that it cannot', async () => {
  await connect();
  const gap = { stream: 's', reason: 'trimmed', changes: 'mcp://twins/changes/c1' };
  const missed = realtime.missed(gap);
  await settled();
  assert.equal(asked[0]?.cursor, 'c1');
  await asked[0]?.answer({ changes: [change('A'), change('B')], next: 'c2', more: true });
  assert.equal(asked[1]?.cursor, 'c2');
  await asked[1]?.answer({ changes: [change('C')] });
  assert.deepEqual(await missed, [change('C')]);
  const reset = realtime.missed(gap);
  await settled();
  await asked[2]?.answer({ reset: true });
  assert.equal(await reset, undefined);
  for (const changes of [undefined, 'mcp://twins/member/demo-ana/care']) {
    const { stream, reason } = gap;
    assert.equal(await realtime.missed({ stream, reason, ...(changes && { changes }) }), undefined);
  }
});

test('B-GW-36: of a filter that looks at what the feed does not say, nothing is told', () => {
  const member = { field: 'member', eq: 'demo-ana' } as const;
  const account = { field: 'account', eq: 'a' } as const;
  const cases: [Filter | undefined, boolean | undefined][] = [
    [undefined, true],
    [member, true],
    [{ not: member }, false],
    [{ field: 'member', in: ['demo-ben'] }, false],
    [{ field: 'uri', prefix: 'mcp://twins/member/demo-ana/' }, true],
    [{ field: 'type', eq: 'twins.resource-created' }, false],
    [account, undefined],
    [{ not: account }, undefined],
    [{ and: [member, account] }, undefined],
    [{ and: [{ not: member }, account] }, false],
    [{ or: [member, account] }, true],
    [{ or: [{ not: member }, account] }, undefined],
  ];
  for (const [filter, expected] of cases) {
    assert.equal(passes(filter, CARE, 'twins.resource-updated'), expected, JSON.stringify(filter));
  }
});
