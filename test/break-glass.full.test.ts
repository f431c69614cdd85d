/** A case on a real server: by the command line, over stdio, through a kill, to its instant. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { ask, resultOf } from './support/ask.ts';
import { breakGlass, casesOf, fresh, post, READING, WORDS } from './support/break-glass.ts';
import { openBridge } from './support/bridge.ts';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';
import { listen } from './support/streams.ts';

const META = 'io.digital-twin/breakGlass';
const CLINICAL = 'mcp://twins/member/demo-ben/clinical';
let server: TestServer;

before(async () => {
  server = await startServer();
});
after(() => server.stop());

const cli = (...args: string[]) =>
  run(LAUNCHER, ['break-glass', ...args, '--data-dir', server.dataDir]);

const metaOf = async (token: string, uri = CLINICAL) =>
  ((await resultOf(server, token, 'resources/read', { uri }))._meta as Record<string, unknown>)[
    META
  ];

test('B-BG-1: by the command line: what is missing, opening, listing, ending, review', async () => {
  const asked = ['open', 'demo-dov', '--reason', 'BTG', '--text', WORDS];
  const weak = await cli(...asked, '--as', 'eve');
  assert.equal(weak.code, 3, weak.stderr);
  assert.match(weak.stderr, /digital-twin token --as eve --scope breakglass --step-up/);
  assert.equal((await cli('open', 'demo-dov', '--reason', 'NO', '--text', WORDS)).code, 2);
  const made = await run(LAUNCHER, [
    ...['token', '--as', 'eve', '--scope', 'breakglass', '--step-up'],
    ...['--data-dir', server.dataDir],
  ]);
  const token = made.stdout.trim();
  assert.equal((await cli(...asked, '--minutes', '241', '--token', token)).code, 2);
  const opened = await cli(...asked, '--minutes', '5', '--token', token, '--json');
  assert.equal(opened.code, 0, opened.stderr);
  const { id } = JSON.parse(opened.stdout) as { id: string };
  const uri = 'mcp://twins/member/demo-dov/clinical';
  const get = await run(LAUNCHER, ['get', uri, '--as', 'eve', '--data-dir', server.dataDir]);
  assert.match(get.stderr, /BREAK-GLASS: the record of demo-dov is open to you until /);
  assert.equal((await cli(...asked, '--token', token)).code, 5, 'open already');
  assert.match((await cli('list', '--as', 'eve')).stdout, new RegExp(`${id} +demo-dov`));
  assert.equal((await cli('end', id, '--as', 'eve')).code, 0);
  const review = ['review', id, '--outcome', 'justified', '--as'];
  assert.equal((await cli(...review, 'eve')).code, 1);
  assert.equal((await cli(...review, 'officer')).code, 0);
  const queue = await cli('list', '--filter', 'all', '--as', 'officer', '--json');
  assert.match(queue.stdout, /"outcome": "justified"/);
});

test('B-BG-1: opened many times at once it is one case', async () => {
  const eve = await fresh(server, 'eve');
  const all = await Promise.all(
    Array.from({ length: 6 }, () => breakGlass(server, eve, 'demo-cleo')),
  );
  assert.deepEqual(all.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409]);
  const [only, ...more] = await casesOf(server, eve);
  assert.equal(more.length, 0);
  assert.equal((await post(server, eve, `/v1/break-glass/${only?.id}/end`)).status, 200);
});

test('B-BG-4: the hot path, however warm, answers no read by it, and stdio says it in both eras', async () => {
  const eve = await fresh(server, 'eve');
  const uri = 'mcp://twins/member/demo-ana/clinical';
  for (let times = 0; times < 5; times += 1) assert.equal(await metaOf(eve, uri), undefined);
  const { id } = (await breakGlass(server, eve, 'demo-ana')).body;
  for (let times = 0; times < 50; times += 1) {
    assert.deepEqual((await metaOf(eve, uri)) !== undefined, true, `read ${times}`);
  }
  const bridge = openBridge(server, 'eve');
  for (const answer of [
    await bridge.ask('resources/read', { uri }),
    await bridge.askOld('resources/read', { uri }),
  ]) {
    const meta = (answer.result?._meta ?? {}) as Record<string, unknown>;
    assert.match(JSON.stringify(meta[META]), new RegExp(id));
  }
  await bridge.close();
  await post(server, eve, `/v1/break-glass/${id}/end`);
  assert.equal(await metaOf(eve, uri), undefined);
});

test('B-BG-3: a kill in the middle loses neither case nor right, and its instant ends all of it', async () => {
  const before = await fresh(server, 'eve');
  const { id, until } = (await breakGlass(server, before, 'demo-ben', { minutes: 1 })).body;
  await server.kill();
  server = await startServer({ dataDir: server.dataDir });
  const eve = await server.token('eve', { scope: READING });
  const banner = [{ member: 'demo-ben', id, reason: 'ETREAT', until }];
  assert.deepEqual(await metaOf(eve), banner);
  const stream = await listen(server, eve, [CLINICAL]);
  assert.deepEqual(stream.acknowledged, [CLINICAL]);
  const end = Date.parse(until);
  // Each answer that began before the instant says so; none that began after it shows anything.
  while (Date.now() < end - 500) {
    assert.deepEqual(await metaOf(eve), banner);
    await sleep(250);
  }
  // A timer may fire a moment early.
  while (Date.now() < end) await sleep(1);
  const { answer, message } = await ask(server, eve, 'resources/read', { uri: CLINICAL });
  assert.ok(message.error !== undefined && message.result === undefined, answer.text);
  const plain = await server.fetch(eve, '/v1/twins/member/demo-ben/profile');
  assert.equal(plain.status, 404);
  await stream.end();
  const officer = await server.token('officer', { scope: 'breakglass' });
  const found = (await casesOf(server, officer, '?filter=unreviewed')).find((one) => one.id === id);
  assert.deepEqual([found?.state, found?.text], ['ended', WORDS]);
});
