import { setTimeout as sleep } from 'node:timers/promises';
import { bundleOf, patient } from '../test/support/changes.ts';
import { gatherCrowd } from '../test/support/crowd.ts';
import { startServer, type TestServer } from '../test/support/server.ts';
import { listen } from '../test/support/streams.ts';
import { processCpuMs } from './cpu.ts';
import { percentile, progress, type Row, report } from './harness.ts';
import { startHubAmong } from './streams-hub.ts';

const FEW = 200;
/** As many as one process is to hold; the hub alone is measured among twice as many. */
const MANY = 10_000;
const MANY_OF_HUB = 20_000;
const ROUNDS = 15;
const EVENTS = 100;
const EVENTS_OF_HUB = 5_000;
/** Every stream has had its keep-alive within this time. */
const IDLE_MS = 15_000;
const BAR = '1.3';

/**
 * What one event costs the server among few and among many listen streams that it is not about:
 * CPU time, both in turns, of two servers with the same members; and of the hub alone.
 */
export async function benchStreams(): Promise<void> {
  const setting = { few: FEW, many: MANY, manyOfHub: MANY_OF_HUB, rounds: ROUNDS, events: EVENTS };
  const rows = [...(await ofServers()), ...(await ofHubs())];
  report('streams', { ...setting, eventsOfHub: EVENTS_OF_HUB }, rows);
}

interface Among {
  cost(): Promise<number>;
}

/** Medians of as many costs in turns, after one each that warms up. */
async function inTurns(few: Among, many: Among): Promise<readonly [number, number]> {
  const costs: [number[], number[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round += 1) {
    progress(`round ${round} of ${ROUNDS}`);
    const [first, second] = [await few.cost(), await many.cost()];
    if (round === 0) continue;
    costs[0].push(first);
    costs[1].push(second);
  }
  return [percentile(costs[0], 50), percentile(costs[1], 50)];
}

async function ofServers(): Promise<Row[]> {
  const [few, many] = [await serverAmong(FEW), await serverAmong(MANY)];
  try {
    const [idleFew, idleMany] = await Promise.all([few.idle(), many.idle()]);
    const [costFew, costMany] = await inTurns(few, many);
    return [
      { what: `server, an event among ${FEW} streams, CPU`, value: costFew, unit: 'ms' },
      { what: `server, an event among ${MANY} streams, CPU`, value: costMany, unit: 'ms' },
      { what: 'server, many of few', value: costMany / costFew, unit: 'times', bar: BAR },
      { what: `server, idle with ${FEW} streams, CPU`, value: idleFew, unit: '% of a core' },
      { what: `server, idle with ${MANY} streams, CPU`, value: idleMany, unit: '% of a core' },
    ];
  } finally {
    await Promise.all([few.stop(), many.stop()]);
  }
}

async function ofHubs(): Promise<Row[]> {
  const [few, many] = [await startHubAmong(FEW), await startHubAmong(MANY_OF_HUB)];
  const [costFew, costMany] = await inTurns(
    { cost: () => few.cost(EVENTS_OF_HUB) },
    { cost: () => many.cost(EVENTS_OF_HUB) },
  );
  await Promise.all([few.stop(), many.stop()]);
  return [
    { what: `hub, an event among ${FEW} streams, CPU`, value: costFew, unit: 'µs' },
    { what: `hub, an event among ${MANY_OF_HUB} streams, CPU`, value: costMany, unit: 'µs' },
    { what: 'hub, many of few', value: costMany / costFew, unit: 'times', bar: BAR },
  ];
}

/** A server with as many members as the larger crowd needs, and one listener of its own member. */
async function serverAmong(streams: number) {
  const server = await startServer({ env: { DEMO: 'off', REQUESTS_PER_SECOND: '1000000' } });
  const crowd = await gatherCrowd(server, MANY);
  await crowd.open(streams);
  const changeOwn = ownMember(server);
  await changeOwn();
  await server.relations('touch', 'member:own#self@user:own');
  const uri = 'mcp://twins/member/own/profile';
  const own = await listen(server, await server.token('own'), [uri]);
  // A new subscription is told of what changed before it.
  await own.heard(1);
  return {
    async cost() {
      const before = processCpuMs(server.pid);
      for (let event = 0; event < EVENTS; event += 1) {
        const told = own.told.length;
        await changeOwn();
        await own.heard(told + 1);
      }
      return (processCpuMs(server.pid) - before) / EVENTS;
    },
    async idle() {
      const before = processCpuMs(server.pid);
      await sleep(IDLE_MS);
      return (100 * (processCpuMs(server.pid) - before)) / IDLE_MS;
    },
    stop: () => server.stop(),
  };
}

function ownMember(server: TestServer): () => Promise<void> {
  let version = 0;
  return async () => {
    version += 1;
    const lastUpdated = new Date(Date.UTC(2026, 0, 1) + version * 1_000).toISOString();
    const name = [{ family: `Version ${version}`, given: ['Own'] }];
    const bundle = bundleOf(patient('own', { meta: { lastUpdated }, name }));
    const response = await server.importBundle(bundle);
    if (!response.ok) throw new Error(await response.text());
  };
}
