import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadKeys } from '../src/config/keys.ts';
import { openDatabase } from '../src/kernel/sqlite.ts';
import { createPositionCodec, type PositionCodec } from '../src/twin/position.ts';
import { ask, callTool, readDocument } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { etagOf, listen } from './support/streams.ts';

/** Reads that name a position, on a server that waits for it no longer than this. */
const READ_WAIT_MS = 200;
const MIN_POSITION = 'io.digital-twin/minPosition';
const PLAIN = '/v1/twins/member/demo-ana/coverage';

let server: TestServer;
let ana: string;
let codec: PositionCodec;

before(async () => {
  server = await startServer({ env: { READ_WAIT_MS: String(READ_WAIT_MS) } });
  ana = await server.token('ana');
  codec = createPositionCodec((await loadKeys(join(server.dataDir, 'keys.json'))).position);
});
after(() => server.stop());

const SURFACES: Readonly<Record<string, (position: string) => Promise<string>>> = {
  'resources/read': async (position) =>
    JSON.stringify(await readDocument(server, ana, ANA_COVERAGE, { [MIN_POSITION]: position })),
  'the tool readDocument': async (position) => {
    const args = { uri: ANA_COVERAGE, view: 'detail', budget: 20_000, format: 'json' };
    return (await callTool(server, ana, 'readDocument', args, { [MIN_POSITION]: position })).text;
  },
  'plain HTTP': async (position) =>
    await (await server.fetch(ana, PLAIN, { headers: { 'min-position': position } })).text(),
};

for (const [surface, read] of Object.entries(SURFACES)) {
  test(`P3, B-LV-6: ${surface} at the position of an import never shows older data`, async () => {
    for (let i = 0; i < 12; i += 1) {
      const { position, product } = await changeCoverage(server);
      assert.match(await read(position), new RegExp(product));
    }
  });
}

test('P3: many reads at once, each at the position of its own import', async () => {
  const changes = [];
  for (let i = 0; i < 12; i += 1) changes.push(await changeCoverage(server));
  const shown = await Promise.all(
    changes.map(async ({ position, product }) => {
      const text = await SURFACES['resources/read']?.(position);
      const [found = ''] = /Demo PPO 7\d+/.exec(text ?? '') ?? [];
      return found >= product;
    }),
  );
  assert.ok(shown.every((fresh) => fresh));
});

test('P3: told of a change, nobody reads older data afterwards', async () => {
  const stream = await listen(server, ana, [ANA_COVERAGE]);
  for (let i = 0; i < 10; i += 1) {
    const { product } = await changeCoverage(server);
    const before = stream.told.length;
    await stream.heard(before + 1);
    const told = stream.told.map(({ meta }) => etagOf(meta));
    const { etag, data } = await readDocument(server, ana, ANA_COVERAGE);
    // What is read is what it was told last, or newer.
    if (!told.includes(etag)) await stream.heardOf(etag);
    assert.ok(JSON.stringify(data).includes(product) || told.at(-1) === etag);
  }
  stream.close();
});

/** The position of the document, moved on by so many records. */
async function ahead(records: number, epoch?: string): Promise<string> {
  const present = codec.decode((await readDocument(server, ana, ANA_COVERAGE)).position);
  const places = present.places.map(({ partition, offset }) => ({
    partition,
    offset: offset + records,
  }));
  return codec.encode({ epoch: epoch ?? present.epoch, places });
}

/** The view's file, held by another writer: what is imported meanwhile is in the log alone. */
async function whileViewStandsStill<T>(of: TestServer, work: () => Promise<T>): Promise<T> {
  const db = openDatabase(join(of.dataDir, 'view.db'), 'NORMAL');
  db.exec('BEGIN IMMEDIATE');
  try {
    return await work();
  } finally {
    db.exec('ROLLBACK');
    db.close();
  }
}

test('P3, B-LV-6: a position that the view does not reach is VIEW_BEHIND, within the bound', async () => {
  await whileViewStandsStill(server, async () => {
    const { position } = await changeCoverage(server);
    const meta = { [MIN_POSITION]: position };
    const began = performance.now();
    const { message } = await ask(server, ana, 'resources/read', { uri: ANA_COVERAGE }, meta);
    const waitedMs = performance.now() - began;
    assert.equal(message.error?.code, -32603);
    assert.equal(message.error?.data?.code, 'VIEW_BEHIND');
    assert.equal(message.error?.data?.retry, 'later');
    assert.ok(waitedMs >= READ_WAIT_MS - 5, `waited ${waitedMs} ms`);
    const plain = await server.fetch(ana, PLAIN, { headers: { 'min-position': position } });
    assert.equal(plain.status, 503);
    assert.ok(Number(plain.headers.get('retry-after')) >= 1);
    const tool = await callTool(server, ana, 'readDocument', { uri: ANA_COVERAGE }, meta);
    assert.ok(tool.failed);
    assert.match(tool.text, /^VIEW_BEHIND: /);
    const feed = { uri: 'mcp://twins/changes/start' };
    const { message: changes } = await ask(server, ana, 'resources/read', feed, meta);
    assert.equal(changes.error?.data?.code, 'VIEW_BEHIND');
    await onlyWhoAllowsIt(position);
  });
});

/** B-LV-6: only who allows it gets older data, and it says so. */
async function onlyWhoAllowsIt(position: string): Promise<void> {
  const meta = { [MIN_POSITION]: position, 'io.digital-twin/allowBehind': true };
  const { message } = await ask(server, ana, 'resources/read', { uri: ANA_COVERAGE }, meta);
  const own = message.result?._meta as Record<string, unknown>;
  assert.equal(own['io.digital-twin/behind'], true);
  assert.ok(message.result?.contents);
  const tool = await callTool(server, ana, 'readDocument', { uri: ANA_COVERAGE }, meta);
  assert.equal(tool.meta['io.digital-twin/behind'], true);
  const reached = { ...meta, [MIN_POSITION]: await ahead(0) };
  const fresh = await ask(server, ana, 'resources/read', { uri: ANA_COVERAGE }, reached);
  assert.ok(fresh.message.result);
  assert.doesNotMatch(JSON.stringify(fresh.message.result._meta), /behind/);
}

test('P3: a read that waits is answered as soon as the view is there', async () => {
  const patient = await startServer({ env: { READ_WAIT_MS: '60000' } });
  const reader = await patient.token('ana');
  const { waiting, product } = await whileViewStandsStill(patient, async () => {
    const change = await changeCoverage(patient);
    const meta = { [MIN_POSITION]: change.position };
    const own = { waiting: readDocument(patient, reader, ANA_COVERAGE, meta), ...change };
    // By then it has been asked: one without a position is answered with what is there.
    const { data } = await readDocument(patient, reader, ANA_COVERAGE);
    assert.ok(!JSON.stringify(data).includes(change.product));
    return own;
  });
  assert.ok(JSON.stringify((await waiting).data).includes(product));
  await patient.stop();
});

test('P3, P10: a position past the end of the log is an error, never a wait', async () => {
  const patient = await startServer({ env: { READ_WAIT_MS: '60000' } });
  const reader = await patient.token('ana');
  const own = createPositionCodec((await loadKeys(join(patient.dataDir, 'keys.json'))).position);
  const present = own.decode((await readDocument(patient, reader, ANA_COVERAGE)).position);
  const places = present.places.map((place) => ({ ...place, offset: place.offset + 1 }));
  const meta = {
    [MIN_POSITION]: own.encode({ ...present, places }),
    'io.digital-twin/allowBehind': true,
  };
  for (const uri of [ANA_COVERAGE, 'mcp://twins/changes/start']) {
    const { message } = await ask(patient, reader, 'resources/read', { uri }, meta);
    assert.equal(message.error?.code, -32602);
    assert.match(message.error?.message ?? '', /past the end/);
  }
  await patient.stop();
});

test('P3: a position of another log is said to be a gap', async () => {
  const position = await ahead(0, 'zzzzzzzz');
  const { message } = await ask(
    server,
    ana,
    'resources/read',
    { uri: ANA_COVERAGE },
    {
      [MIN_POSITION]: position,
    },
  );
  assert.equal(message.error?.code, -32602);
  assert.equal(message.error?.data?.gap, true);
});

test('P10: a position that nobody gave is an error, and says nothing of the document', async () => {
  const good = await ahead(0);
  const flipped = good.replace(/^./, (first) => (first === 'B' ? 'C' : 'B'));
  for (const position of [
    flipped,
    good.slice(0, -1),
    `${good}A`,
    '',
    'x',
    'A'.repeat(9_000),
    7,
    null,
  ]) {
    const answers = [];
    for (const uri of [ANA_COVERAGE, 'mcp://twins/member/demo-ben/coverage']) {
      const meta = { [MIN_POSITION]: position };
      const { message } = await ask(server, ana, 'resources/read', { uri }, meta);
      assert.equal(message.error?.code, -32602, String(position).slice(0, 40));
      answers.push(message.error?.message);
    }
    assert.equal(answers[0], answers[1]);
  }
});
