import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession, type RawStream } from './support/streams.ts';

/**
 * How long a right outlives its revocation, embedded, as a distribution; on a real SpiceDB the same is
 * measured by `spicedb-faults`, F7. The clock begins before the request that revokes is sent, so it
 * counts that request too.
 */
const ROUNDS = 40;
const BOUND_MS = 2_000;
const MEDIAN_MS = 100;
const PATH = `/v1/twins/${ANA_COVERAGE.slice('mcp://twins/'.length)}`;

let server: TestServer;
let stopped = false;
let changing: Promise<void>;

before(async () => {
  server = await startServer();
  // Changes all the while, so that there is something to be told of.
  changing = (async () => {
    while (!stopped) {
      await changeCoverage(server);
      await sleep(20);
    }
  })();
});
after(async () => {
  stopped = true;
  await changing;
  await server.stop();
});

const pushed = async (token: string): Promise<RawStream> => {
  const session = await openSession(server, token);
  await session.send('resources/subscribe', { uri: ANA_COVERAGE });
  return await session.push();
};

interface Latencies {
  /** From the request that revokes to its answer. */
  readonly answered: number[];
  /** To when the last read began that was still shown. */
  readonly read: number[];
  /** To the end of the listen stream. */
  readonly ended: number[];
  /** To the last event, of either era, after which none came. */
  readonly told: number[];
}

let users = 0;

async function round(found: Latencies): Promise<void> {
  users += 1;
  const user = `rita-${users}`;
  const grant = `member:demo-ana#delegate@user:${user}`;
  await server.relations('touch', grant);
  const token = await server.token(user);
  const streams = [await listen(server, token, [ANA_COVERAGE]), await pushed(token)] as const;
  for (const stream of streams) await stream.heard(1);
  const began = performance.now();
  let [counts, lastTold] = [streams.map(({ told }) => told.length), began];
  const watching = setInterval(() => {
    const now = streams.map(({ told }) => told.length);
    if (now.join() !== counts.join()) lastTold = performance.now();
    counts = now;
  }, 1);
  const revoked = server.relations('delete', grant).then(() => performance.now() - began);
  const ended = streams[0].end().then(() => performance.now() - began);
  let lastRead = began;
  for (let status = 200; status === 200; ) {
    const asked = performance.now();
    assert.ok(asked - began < 4 * BOUND_MS, 'still shown');
    const answer = await server.fetch(token, PATH);
    await answer.arrayBuffer();
    status = answer.status;
    if (status === 200) lastRead = asked;
    else assert.equal(status, 404);
  }
  found.answered.push(await revoked);
  found.ended.push(await ended);
  await sleep(150);
  clearInterval(watching);
  found.read.push(lastRead - began);
  found.told.push(lastTold - began);
  for (const stream of streams) stream.close();
}

const at = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? Number.NaN;

function print(t: TestContext, what: string, values: readonly number[]): void {
  const [p50, p90, max] = [0.5, 0.9, 1].map((share) => at(values, share).toFixed(1));
  t.diagnostic(`${what}: median ${p50}, p90 ${p90}, max ${max} ms of ${values.length}`);
}

async function measured(t: TestContext): Promise<Latencies> {
  const found: Latencies = { answered: [], read: [], ended: [], told: [] };
  for (let n = 0; n < ROUNDS; n += 1) await round(found);
  print(t, 'the revocation is answered', found.answered);
  print(t, 'the last read that was shown began', found.read);
  print(t, 'the listen stream ended', found.ended);
  print(t, 'the last event came', found.told);
  for (const values of [found.read, found.ended, found.told]) {
    assert.ok(at(values, 1) <= BOUND_MS, `${at(values, 1)} ms`);
  }
  return found;
}

const isQuick = ({ read, ended, told }: Latencies): boolean =>
  [read, ended, told].every((values) => at(values, 0.5) < MEDIAN_MS);

test('P1, B-MC-5: a right outlives its revocation by 2 s at most, half of them by less than 100 ms', async (t) => {
  if (isQuick(await measured(t))) return;
  // Whatever else the machine does: the bound holds each time, the median in one of two.
  t.diagnostic('once more');
  assert.ok(isQuick(await measured(t)));
});
