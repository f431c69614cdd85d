import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { LIMITS } from '../src/kernel/limits.ts';
import { readDocument } from './support/ask.ts';
import { ANA_COVERAGE, bundleOf, changeCoverage, patient } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { etagOf, listen, openSession, type RawStream } from './support/streams.ts';

/** One who reads slowly, or asks for too much, costs nobody else anything. */
const CONDITIONS = 200;
const ROUNDS = 40;
const MEMBER = 'slow-member';
const CONDITION_URIS = Array.from(
  { length: CONDITIONS },
  (_, n) => `mcp://twins/member/${MEMBER}/clinical/Condition/slow-${n}`,
);

let server: TestServer;
let ana: string;

before(async () => {
  server = await startServer();
  ana = await server.token('ana');
});
after(() => server.stop());

/** A member with many conditions, each of which says which round it is. */
function conditionsOf(round: number): string {
  const lastUpdated = new Date(Date.UTC(2026, 9, 1) + round * 1_000).toISOString();
  const conditions = CONDITION_URIS.map((_, n) => ({
    resourceType: 'Condition',
    id: `slow-${n}`,
    meta: { lastUpdated },
    subject: { reference: `Patient/${MEMBER}` },
    code: { text: `Condition ${n} as of round ${round}` },
  }));
  return bundleOf(...(round === 0 ? [patient(MEMBER)] : []), ...conditions);
}

async function importRound(round: number): Promise<string> {
  const response = await server.importBundle(conditionsOf(round));
  const answer = (await response.json()) as { position: string };
  assert.equal(response.status, 201);
  return answer.position;
}

async function residentBytes(): Promise<number> {
  const admin = await server.token('operator', { scope: 'admin' });
  const metrics = await (await server.fetch(admin, '/metrics')).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
}

async function newest(token: string, uri: string, minPosition: string): Promise<string> {
  const meta = { 'io.digital-twin/minPosition': minPosition };
  return (await readDocument(server, token, uri, meta)).etag;
}

test('F12, B-MC-6: a reader that stalls is queued one update a URI, and the others are told', async (t) => {
  await importRound(0);
  await server.relations('touch', `member:${MEMBER}#self@user:sam`);
  const sam = await server.token('sam');
  const [stalled, brisk] = [
    await listen(server, sam, CONDITION_URIS),
    await listen(server, sam, CONDITION_URIS),
  ];
  stalled.pause();
  const before = await residentBytes();
  let position = '';
  for (let round = 1; round <= ROUNDS; round += 1) position = await importRound(round);
  const wanted: (readonly [string, string])[] = [];
  for (const uri of CONDITION_URIS) wanted.push([uri, await newest(sam, uri, position)]);
  for (const [, etag] of wanted) await brisk.heardOf(etag);
  const grewMB = ((await residentBytes()) - before) / 1_000_000;
  t.diagnostic(`${CONDITIONS * ROUNDS} changes; resident memory grew by ${grewMB.toFixed(1)} MB`);

  stalled.resume();
  for (const [, etag] of wanted) await stalled.heardOf(etag);
  const told = Map.groupBy(stalled.told, ({ uri }) => uri);
  // How much the two kernels hold is theirs; the queue itself is measured in dispatcher.test.ts.
  t.diagnostic(`the stalled reader was told ${stalled.told.length} of ${CONDITIONS * ROUNDS}`);
  for (const [uri, etag] of wanted) {
    assert.equal(etagOf(told.get(uri)?.at(-1)?.meta ?? {}), etag, 'the newest comes last');
  }
  for (const stream of [stalled, brisk]) stream.close();
});

test('B-MC-6: a burst on one URI is told at least once, and last with the newest etag', async () => {
  const streams = [await listen(server, ana, [ANA_COVERAGE]), await pushed()];
  const imports = [];
  for (let i = 0; i < 30; i += 1) imports.push(changeCoverage(server));
  const positions = (await Promise.all(imports)).map(({ position }) => position);
  const etags = await Promise.all(positions.map((p) => newest(ana, ANA_COVERAGE, p)));
  const last = etags.find((etag, _, all) => all.every((other) => other === etag)) ?? etags.at(-1);
  for (const stream of streams) {
    await stream.heardOf(last ?? '');
    assert.ok(stream.told.length <= 31, `${stream.told.length}`);
    assert.equal(etagOf(stream.told.at(-1)?.meta ?? {}), last);
    stream.close();
  }
});

async function pushed(): Promise<RawStream> {
  const session = await openSession(server, ana);
  await session.send('resources/subscribe', { uri: ANA_COVERAGE });
  return await session.push();
}

test('B-MC-6: the streams of one principal are counted; one more is 429, one less makes room', async () => {
  const streams: RawStream[] = [];
  await server.relations('touch', 'member:demo-ana#delegate@user:sue');
  const sue = await server.token('sue');
  while (streams.length < LIMITS.streamsPerPrincipalMax) {
    const stream = await listen(server, sue, [ANA_COVERAGE]);
    assert.equal(stream.status, 200);
    streams.push(stream);
  }
  const refused = await listen(server, sue, [ANA_COVERAGE]);
  assert.equal(refused.status, 429);
  assert.equal(refused.refusal?.data?.code, 'RATE_LIMITED');
  const other = await listen(server, ana, [ANA_COVERAGE]);
  assert.deepEqual(other.acknowledged, [ANA_COVERAGE], 'nobody else is refused');
  for (const stream of [other, ...streams.splice(0, 2)]) stream.close();
  const again = await eventually(() => listen(server, sue, [ANA_COVERAGE]));
  for (const stream of [again, ...streams]) stream.close();
});

/** The server learns of a closed stream when its socket does. */
async function eventually(attempt: () => Promise<RawStream>): Promise<RawStream> {
  for (let tries = 0; ; tries += 1) {
    const stream = await attempt();
    if (stream.status === 200 || tries === 50) {
      assert.equal(stream.status, 200);
      return stream;
    }
    await sleep(20);
  }
}

test('P10: one URI more than a listen may name is refused whole', async () => {
  const { urisPerSubscriptionMax } = LIMITS;
  const uris = Array.from(
    { length: urisPerSubscriptionMax + 1 },
    (_, n) => `${ANA_COVERAGE}/Coverage/x-${n}`,
  );
  const refused = await listen(server, ana, uris);
  assert.equal(refused.status, 400);
  assert.equal(refused.refusal?.code, -32602);
  const taken = await listen(server, ana, uris.slice(1));
  assert.equal(taken.acknowledged.length, urisPerSubscriptionMax);
  taken.close();
});

test('the sessions of one principal are bounded: the longest unused one gives way', async () => {
  const token = await server.token('tess');
  const first = await openSession(server, token);
  for (let n = 0; n < LIMITS.sessionsPerPrincipalMax; n += 1) await openSession(server, token);
  const gone = await first.send('resources/list', {});
  assert.equal(gone.error?.data?.code, 'NOT_FOUND');
});
