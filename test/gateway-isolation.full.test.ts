import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Filter } from '../src/contract/frames.ts';
import { bundleOf, patient } from './support/changes.ts';
import { APP, rawClient, startPusher, until } from './support/pusher.ts';
import { type RealtimeClient, realtime } from './support/realtime.ts';
import type { TestServer } from './support/server.ts';

/** realtime.md §7 T19 over the wire: a thousand members on a running server, of whom some listen. */
const MEMBERS = Array.from({ length: 1_000 }, (_, n) => `iso-${n}`);
const LISTENERS = 40;
const RELATIONS_A_WRITE = 500;
const SEED = Date.now() % 2 ** 31;

let server: TestServer;
before(async () => {
  server = await startPusher({ env: { REQUESTS_PER_SECOND: '5000' } });
  const bundle = bundleOf(...MEMBERS.map((member) => patient(member)));
  assert.equal((await server.importBundle(bundle)).status, 201);
  const own = MEMBERS.map((member) => `member:${member}#self@user:u-${member}`);
  for (let from = 0; from < own.length; from += RELATIONS_A_WRITE) {
    await server.relations('touch', ...own.slice(from, from + RELATIONS_A_WRITE));
  }
});
after(() => server.stop());

/** Each of them asks for more than its own, in another way. */
function filtersOf(own: string, other: string): Filter {
  const [mine, theirs] = [own, other].map((eq) => ({ field: 'member', eq }) as const);
  assert.ok(mine && theirs);
  const all: Filter[] = [
    { field: 'member', in: [own, other] },
    { field: 'member', prefix: 'iso-' },
    { or: [mine, theirs] },
    { not: { and: [mine, theirs] } },
  ];
  return fc.sample(fc.constantFrom(...all), { seed: SEED + own.length, numRuns: 1 })[0] ?? mine;
}

async function sayToAll(run: string, members = MEMBERS): Promise<void> {
  const operator = await server.token('operator', { scope: 'events:publish:call.ready' });
  const left = members.values();
  const worker = async (): Promise<void> => {
    for (const member of left) {
      const body = { type: 'call.ready', member, id: `${run}-${member}` };
      const said = JSON.stringify({ ...body, data: { callId: `${member}/${run}` } });
      const headers = { 'content-type': 'application/json' };
      // An import is taken before all of it is shown: until then there is no such member.
      await until(async () => {
        const asked = { method: 'POST', headers, body: said };
        const { status } = await server.fetch(operator, '/v1/events', asked);
        assert.ok(status === 201 || status === 404, `${status}`);
        return status === 201;
      }, `${run} of ${member}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

const callsOf = ({ events }: RealtimeClient): string[] =>
  events.map(({ data }) => String((data as { callId?: string } | undefined)?.callId));

test('B-GW-5 B-GW-75: T19 of a thousand members nobody hears of another, live or replayed, whatever they ask', async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const picks = fc.sample(fc.nat(999), { seed: SEED, numRuns: LISTENERS * 2 });
  const chosen = [...new Set(picks.slice(0, LISTENERS))].map((n) => MEMBERS[n] ?? '');
  const asked = chosen.map((member, n) => ({
    ...{ id: 's', topics: ['call-notifications'] },
    filters: filtersOf(member, MEMBERS[picks[LISTENERS + n] ?? 0] ?? ''),
  }));
  const tokens = await Promise.all(chosen.map((member) => server.token(`u-${member}`)));
  const first = await Promise.all(tokens.map((token) => realtime(server, token)));
  const begun = await Promise.all(first.map((one, n) => one.subscribe(asked[n] ?? {})));
  // Of the same name in another tenant: no stream of anybody's.
  const namesakes = await Promise.all(
    chosen.map(async (member) => {
      const token = await server.token(`u-${member}`, { tenant: 'elsewhere' });
      const one = await realtime(server, token);
      one.say({ type: 'subscribe', ...asked[chosen.indexOf(member)] });
      return one;
    }),
  );
  await sayToAll('live');
  for (const [n, one] of first.entries()) {
    const own = `${chosen[n]}/live`;
    await one.until(() => callsOf(one).includes(own), own);
  }
  // They come again from where they began: the same is told once more, by a replay.
  const again = await Promise.all(tokens.map((token) => realtime(server, token)));
  for (const [n, one] of again.entries()) {
    const start = begun[n];
    assert.ok(start);
    const since = Object.fromEntries(
      start.streams.map(({ stream, epoch, offset }) => [stream, { epoch, offset }]),
    );
    await one.subscribe({ ...asked[n], since });
    await one.until(() => callsOf(one).length > 0, 'the replay');
  }
  const both = [...new Set(picks)].map((n) => MEMBERS[n] ?? '');
  await sayToAll('later', both);
  for (const [n, one] of [...first, ...again].entries()) {
    const member = chosen[n % chosen.length];
    await one.until(() => callsOf(one).includes(`${member}/later`), `${member}/later`);
    assert.deepEqual(callsOf(one), [`${member}/live`, `${member}/later`], `seed ${SEED}`);
  }
  for (const one of namesakes) assert.deepEqual(callsOf(one), [], `seed ${SEED}`);
  const tried = {
    members: MEMBERS.length,
    told: MEMBERS.length + both.length,
    listeners: chosen.length,
  };
  t.diagnostic(JSON.stringify({ ...tried, replays: again.length, namesakes: namesakes.length }));
  for (const one of [...first, ...again, ...namesakes]) one.close();
});

test('B-GW-75: T19 nobody opens another’s user channel, and a client event goes to no foreign channel', async (t) => {
  const client = rawClient(server, `/app/${APP.key}?protocol=7`);
  await client.socketId();
  const victims = fc.sample(fc.constantFrom(...MEMBERS), { seed: SEED, numRuns: 20 });
  for (const member of victims) {
    client.say({ event: 'pusher:subscribe', data: { channel: `#server-to-user-u-${member}` } });
    const channel = `private-member-${member}`;
    client.say({ event: 'client-typing', channel, data: '{}' });
    await client.next('pusher:error');
  }
  const succeeded = client.heard.filter(({ event }) => event.includes('succeeded'));
  assert.deepEqual(succeeded, []);
  t.diagnostic(JSON.stringify({ userChannels: victims.length, clientEvents: victims.length }));
  client.end();
});
