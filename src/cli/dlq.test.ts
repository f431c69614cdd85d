import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { errorBody, type FakeTwin, startFakeTwin } from './rig/fake-twin.ts';
import { run } from './rig/run.ts';

let dataDir: string;
let fake: FakeTwin;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'twin-dlq-'));
  fake = await startFakeTwin(dataDir);
});

after(async () => {
  await fake.stop();
  await rm(dataDir, { recursive: true });
});

afterEach(() => {
  fake.route = () => undefined;
  fake.asked.length = 0;
  fake.tokens.length = 0;
});

const ID = 'a'.repeat(26);
const LETTER = {
  ...{ id: ID, topic: 'twins.resource-events', partition: 3, offset: 7, reason: 'FAILED' },
  ...{ attempts: 3, consumer: 'acme', eventId: 'e1' },
  firstFailed: '2026-01-01T00:00:00.000Z',
  lastFailed: '2026-01-01T00:00:01.000Z',
};
const LIST = {
  topics: [{ topic: 'twins.resource-events', count: 3, reasons: { FAILED: 2, MALFORMED: 1 } }],
  letters: [LETTER],
  more: false,
};

test('dlq list counts by reason, and asks for the scope admin alone', async () => {
  fake.route = ({ path }) => (path === '/v1/dlq' ? { body: LIST } : undefined);
  const { exit, out } = await run(dataDir, ['dlq', 'list', '--topic', 'twins.resource-events']);
  assert.equal(exit, 0);
  assert.match(out, /twins\.resource-events\s+3\s+2 FAILED, 1 MALFORMED/);
  assert.match(out, new RegExp(`${ID}\\s+twins.resource-events/3/7\\s+FAILED\\s+3\\s+acme`));
  assert.equal(fake.asked[0]?.query.get('topic'), 'twins.resource-events');
  assert.equal(fake.tokens[0]?.scope, 'admin');
  const json = await run(dataDir, ['dlq', 'list', '--json']);
  assert.deepEqual(JSON.parse(json.out), LIST);
});

test('dlq show prints the letter with its content', async () => {
  const shown = { ...LETTER, key: 'm1', headers: {}, value: 'AA==' };
  fake.route = ({ path }) => (path === `/v1/dlq/${ID}` ? { body: shown } : undefined);
  const { out } = await run(dataDir, ['dlq', 'show', ID]);
  assert.deepEqual(JSON.parse(out), shown);
});

for (const [as, done] of [
  ['retry', 'retried'],
  ['discard', 'discarded'],
] as const) {
  test(`dlq ${as} settles each of them, and stops at one that is refused`, async () => {
    fake.route = ({ path, method }) =>
      path === `/v1/dlq/${ID}/${as}` && method === 'POST'
        ? { body: {} }
        : { status: 409, body: errorBody('CONFLICT', 'It was retried already.') };
    const { exit, out, err } = await run(dataDir, ['dlq', as, ID, 'b'.repeat(26)]);
    assert.equal(exit, 5);
    assert.equal(out.trim(), `${done} ${ID}`);
    assert.match(err, /retried already/);
  });
}

test('replay goes on until nothing is left', async () => {
  const answers = [
    { sent: 5, skipped: 1, next: [[5, 9]] },
    { sent: 2, skipped: 0 },
  ];
  fake.route = () => ({ body: answers.shift() });
  const argv = ['replay', 'rte-completion', '--from', '2026-01-31', '--to', '9', '--into', 'aside'];
  const { exit, out } = await run(dataDir, argv);
  assert.deepEqual([exit, out.trim()], [0, '7 sent again, 1 skipped']);
  const common = {
    topic: 'rte-completion',
    from: { time: '2026-01-31T00:00:00.000Z' },
    to: { offset: 9 },
    into: 'aside',
  };
  assert.deepEqual(
    fake.asked.map(({ body }) => JSON.parse(body.toString())),
    [common, { ...common, next: [[5, 9]] }],
  );
});

for (const wrong of ['yesterday', '-1', '1e3', '2026-13-45', '']) {
  test(`replay --from ${wrong} ends with 2`, async () => {
    const { exit } = await run(dataDir, ['replay', 'rte-completion', `--from=${wrong}`]);
    assert.equal(exit, 2);
    assert.equal(fake.asked.length, 0);
  });
}

test('replay log takes one data directory, and goes the way that its flag says', async () => {
  const asked: string[][] = [];
  const replayLog = async ({ dataDir: of }: { dataDir: string }, into: string) => {
    asked.push([of, into]);
    return 7;
  };
  const of = { replayLog };
  const into = await run(dataDir, ['replay', 'log', '--from-data-dir', '/old'], of);
  assert.deepEqual([into.exit, into.out.trim()], [0, '7 records']);
  await run(dataDir, ['replay', 'log', '--into-data-dir', '/new'], of);
  assert.deepEqual(asked, [
    ['/old', 'kafka'],
    ['/new', 'data-dir'],
  ]);
  for (const argv of [
    ['replay', 'log'],
    ['replay', 'log', '--from-data-dir', '/a', '--into-data-dir', '/b'],
    ['replay', 'log', '--from-data-dir', '/a', '--to', '3'],
    ['replay', 'rte-completion'],
  ]) {
    assert.equal((await run(dataDir, argv, of)).exit, 2, argv.join(' '));
  }
});
