import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { errorBody, type FakeRequest, type FakeTwin, startFakeTwin } from '../rig/fake-twin.ts';
import { run } from '../rig/run.ts';
import { CHUNK_BYTES_MAX } from './chunks.ts';
import { keyOf } from './send.ts';

let dataDir: string;
let folder: string;
let fake: FakeTwin;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'twin-import-'));
  folder = await mkdtemp(join(tmpdir(), 'twin-bundles-'));
  await mkdir(join(folder, 'more'));
  await writeFile(join(folder, 'Aaron.json'), '{"of":"Aaron"}');
  await writeFile(join(folder, 'more', 'Zoe.json.gz'), gzipSync('{"of":"Zoe"}'));
  await writeFile(join(folder, 'practitionerInformation1.json'), '{"of":"practitioners"}');
  await writeFile(
    join(folder, 'more', 'hospitalInformation1.json.gz'),
    gzipSync('{"of":"hospitals"}'),
  );
  await writeFile(join(folder, 'notes.txt'), 'no bundle');
  fake = await startFakeTwin(dataDir);
});

after(async () => {
  await fake.stop();
  await rm(dataDir, { recursive: true });
  await rm(folder, { recursive: true });
});

afterEach(() => {
  fake.asked.length = 0;
});

const RECEIPT = {
  accepted: 2,
  unchanged: 1,
  stale: 0,
  waiting: 0,
  resumed: 0,
  refused: 0,
  entries: [],
  members: [{ member: 'm1', patient: 'p1' }],
  ignored: { Claim: 3 },
  position: 'p',
  eventId: 'e',
};

function accepting(refuse?: (request: FakeRequest) => boolean): void {
  fake.route = (request) => {
    if (refuse?.(request) !== true) return { status: 201, body: RECEIPT };
    const data = { entry: 3, reason: 'missing' };
    return { status: 422, body: errorBody('REFUSED_INPUT', 'Entry 3, id: It is missing.', data) };
  };
}

const bodies = () => fake.asked.map(({ body }) => (JSON.parse(String(body)) as { of: string }).of);

test('B-IN-2: a folder goes in whole: hospitals, practitioners, then people; packed or plain', async () => {
  accepting();
  const { exit, out, err } = await run(dataDir, ['import', folder, '--source', 'ehr']);
  assert.equal(exit, 0, err);
  assert.deepEqual(bodies(), ['hospitals', 'practitioners', 'Aaron', 'Zoe']);
  const [first] = fake.asked;
  assert.equal(String(first?.query), 'source=ehr');
  assert.equal(first?.headers['idempotency-key'], keyOf(Buffer.from('{"of":"hospitals"}'), 'ehr'));
  assert.match(out, /^m1 +p1$/m);
  assert.match(out, /4 of 4 files: 8 records accepted, 4 unchanged, 0 stale/);
  assert.match(out, /12 Claim/);
  assert.equal(err, '');
});

test('the directory goes first also among single files; a file named twice goes once', async () => {
  accepting();
  const aaron = join(folder, 'Aaron.json');
  await run(dataDir, ['import', aaron, join(folder, 'practitionerInformation1.json'), aaron]);
  assert.deepEqual(bodies(), ['practitioners', 'Aaron']);
});

test('- is stdin, packed or plain', async () => {
  accepting();
  const { exit } = await run(dataDir, ['import', '-'], { stdin: gzipSync('{"of":"stdin"}') });
  assert.equal(exit, 0);
  assert.deepEqual(bodies(), ['stdin']);
});

test('a refused bundle: its entry and reason, the others go in, 5', async () => {
  accepting(({ body }) => String(body).includes('Aaron'));
  const { exit, err, out } = await run(dataDir, ['import', folder]);
  assert.equal(exit, 5);
  assert.match(err, /Aaron\.json: refused: Entry 3, id: It is missing\./);
  assert.match(out, /3 of 4 files/);
  const json = await run(dataDir, ['import', folder, '--json']);
  const { bundles } = JSON.parse(json.out) as { bundles: { refused?: { entry: number } }[] };
  assert.equal(bundles.find(({ refused }) => refused !== undefined)?.refused?.entry, 3);
});

test('what unpacks to more than the bound, or is cut off, is refused before it is sent', async () => {
  accepting();
  const bomb = join(folder, 'bomb.gz');
  await writeFile(bomb, gzipSync(Buffer.alloc(CHUNK_BYTES_MAX + 1), { level: 1 }));
  const cut = join(folder, 'cut.gz');
  await writeFile(cut, gzipSync('{"of":"cut"}').subarray(0, 20));
  const { exit, err } = await run(dataDir, ['import', bomb, cut]);
  assert.equal(exit, 5);
  assert.match(err, /bomb\.gz: larger than/);
  assert.match(err, /cut\.gz: is not a whole gzip file/);
  assert.equal(fake.asked.length, 0);
  await rm(bomb);
  await rm(cut);
});

test('a busy server is asked again', async () => {
  let tries = 0;
  fake.route = () => {
    tries += 1;
    if (tries > 1) return { status: 201, body: RECEIPT };
    return { status: 503, body: errorBody('LOG_UNAVAILABLE', 'Not now.') };
  };
  const { exit } = await run(dataDir, ['import', join(folder, 'Aaron.json')]);
  assert.deepEqual([exit, tries], [0, 2]);
});

test('what is held while the log is away is said, and is no fault', async () => {
  fake.route = () => ({ status: 202, body: { held: true, eventId: 'event-1' } });
  const aaron = join(folder, 'Aaron.json');
  const { exit, err, out } = await run(dataDir, ['import', aaron]);
  assert.equal(exit, 0);
  assert.match(out, /1 of 1 file: 0 records accepted/);
  assert.match(err, /The log is away: 1 request held, durably/);
  const json = await run(dataDir, ['import', aaron, '--json']);
  assert.deepEqual(JSON.parse(json.out), { bundles: [{ label: aaron, held: ['event-1'] }] });
});

test('the bar with rate and time left stands on a terminal only', async () => {
  accepting();
  const { err } = await run(dataDir, ['import', folder], { terminal: true });
  assert.match(err, /\[#{24}\] 4\/4 files, \d+\.\d MiB\/s, 0 s left/);
  assert.ok(err.endsWith('\r\u001b[2K'));
});
