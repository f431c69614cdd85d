import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, statSync } from 'node:fs';
import { cp, mkdir, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/kernel/clock.ts';
import { LIMITS } from '../src/kernel/limits.ts';
import { createEmbeddedLog, type EmbeddedLog } from '../src/log/embedded.ts';
import { createChangeBus } from '../src/twin/change-bus.ts';
import type { EventLog, StoredDocument } from '../src/twin/ports.ts';
import { createView } from '../src/view/embedded.ts';
import { bundleOf, patient } from './support/changes.ts';

const KEY = new Uint8Array(32).fill(1);
const MEMBERS = Array.from({ length: 12 }, (_, index) => `member-${index}`);
const SUBJECTS = MEMBERS.map((id) => ({ kind: 'member', id }) as const);
const PROJECTION = new URL('../src/view/test/projection.ts?version=1', import.meta.url).href;
const DAY_MS = 24 * 3_600_000;

let folder: string;
let log: EmbeddedLog;
let instances = 0;

function logIn(dataDir: string): EmbeddedLog {
  const options = { dataDir, clock: systemClock, onError: fail };
  return createEmbeddedLog({
    ...options,
    memberIds: 'patient-id',
    memberIdKey: KEY,
    etagKey: new Uint8Array(32),
  });
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'twin-snapshots-'));
  log = logIn(join(folder, 'log'));
  await log.start();
  for (const member of MEMBERS)
    await submit(bundleOf(patient(member), condition(member, 'Asthma')));
});
after(async () => {
  await log.stop();
  await rm(folder, { recursive: true });
});

function fail(error: unknown): never {
  throw error;
}

const condition = (member: string, text: string) => ({
  resourceType: 'Condition',
  id: `${member}-c`,
  subject: { reference: `Patient/${member}` },
  code: { text },
});

async function submit(bundle: string): Promise<void> {
  const eventId = `event-${instances++}`;
  const by = { tenant: 'demo', source: 'ehr', actor: 'user:operator', eventId };
  await log.intake.submitBundle({ ...by, json: Buffer.from(bundle) });
}

interface Instance {
  readonly of?: EventLog;
  /** None: one of its own, which is empty. */
  readonly snapshotDir?: string;
  readonly etagKey?: Uint8Array;
  readonly nowMs?: number;
  readonly projection?: string;
}

/** A new instance with a view of its own, which has nothing yet. */
async function start({ of = log.log, snapshotDir, nowMs, ...more }: Instance = {}) {
  const dataDir = join(folder, `instance-${instances++}`);
  const errors: string[] = [];
  const readFrom: number[] = [];
  const watched: EventLog = {
    epoch: of.epoch,
    partitions: of.partitions,
    startAt: (offsets) => of.startAt(offsets),
    ends: () => of.ends(),
    onAppend: (listener) => of.onAppend(listener),
    read(partition, offset, limit) {
      readFrom[partition] ??= offset;
      return of.read(partition, offset, limit);
    },
  };
  const view = createView({
    dataDir,
    snapshotDir: snapshotDir ?? join(dataDir, 'none'),
    log: watched,
    bus: createChangeBus(fail),
    etagKey: KEY,
    clock: { ...systemClock, now: () => nowMs ?? Date.now() },
    onError: (error) => errors.push(error instanceof Error ? error.message : String(error)),
    ...more,
  });
  await view.start();
  return { view, errors, readFrom, dataDir };
}

type Started = Awaited<ReturnType<typeof start>>;

function documents({ view }: Started): StoredDocument[] {
  return view.for(0).documents(SUBJECTS, '', 10_000);
}

function startsInTheMiddle({ readFrom }: Started): boolean {
  return readFrom.some((offset) => offset > 0);
}

/** A folder with one snapshot of the log as it is now. */
async function oneSnapshot(): Promise<{ snapshotDir: string; name: string }> {
  const snapshotDir = join(folder, `snapshots-${instances++}`);
  const maker = await start({ snapshotDir });
  const { name } = await maker.view.snapshots.create();
  await maker.view.stop();
  return { snapshotDir, name };
}

test('B-LV-11: a new instance starts from a snapshot, replays the tail and equals one from the start', async () => {
  const { snapshotDir, name } = await oneSnapshot();
  await submit(bundleOf(patient('member-3'), condition('member-3', 'Gout')));
  const fromStart = await start();
  const fromSnapshot = await start({ snapshotDir });
  assert.deepEqual(fromSnapshot.errors, []);
  assert.equal(startsInTheMiddle(fromStart), false);
  assert.equal(startsInTheMiddle(fromSnapshot), true);
  assert.ok(documents(fromStart).some(({ data }) => JSON.stringify(data).includes('Gout')));
  assert.deepEqual(documents(fromSnapshot), documents(fromStart));
  const [listed] = await fromSnapshot.view.snapshots.list();
  assert.deepEqual([listed?.name, listed?.refused], [name, undefined]);
  for (const file of [name, join(name, 'view.db'), join(name, 'manifest.json')]) {
    assert.equal(statSync(join(snapshotDir, file)).mode & 0o077, 0, file);
  }
  // What comes later comes to both.
  await submit(bundleOf(patient('member-4'), condition('member-4', 'Migraine')));
  const ends = await log.log.ends();
  for (const { view } of [fromStart, fromSnapshot]) {
    for (const [partition, end] of ends.entries()) {
      await view.waitFor({ partition, offset: end - 1 }, 30_000);
    }
  }
  assert.deepEqual(documents(fromSnapshot), documents(fromStart));
  await fromStart.view.stop();
  await fromSnapshot.view.stop();
});

test('B-LV-11: reads and writes go on while a snapshot is made, and it is of one moment', async () => {
  const snapshotDir = join(folder, 'busy');
  const maker = await start({ snapshotDir });
  for (let turn = 0; turn < 4; turn += 1) {
    const making = maker.view.snapshots.create();
    const same = maker.view.snapshots.create();
    for (const text of ['Gout', 'Cough', 'Rash']) {
      await submit(bundleOf(...MEMBERS.map((member) => condition(member, `${text} ${turn}`))));
      assert.ok(documents(maker).length > 0);
    }
    assert.equal((await making).name, (await same).name);
  }
  const [newest, ...older] = await maker.view.snapshots.list();
  assert.equal(older.length, 3);
  await maker.view.stop();
  const [fromSnapshot, fromStart] = [await start({ snapshotDir }), await start()];
  assert.deepEqual(fromSnapshot.errors, []);
  assert.ok(newest !== undefined && newest.refused === undefined);
  assert.equal(startsInTheMiddle(fromSnapshot), true);
  assert.deepEqual(documents(fromSnapshot), documents(fromStart));
  await fromSnapshot.view.stop();
  await fromStart.view.stop();
});

/** Of the maker of snapshots; each is killed a little later than the one before. */
const RUNS_MAX = 40;

test('B-LV-11: the oldest snapshots go once there are more than are kept', async () => {
  const snapshotDir = join(folder, 'many');
  const maker = await start({ snapshotDir });
  const made: string[] = [];
  for (let turn = 0; turn < LIMITS.snapshotsKept + 2; turn += 1) {
    made.push((await maker.view.snapshots.create()).name);
  }
  const kept = (await maker.view.snapshots.list()).map(({ name }) => name);
  assert.deepEqual(kept, made.slice(2).reverse());
  assert.deepEqual((await readdir(snapshotDir)).sort(), made.slice(2));
  await maker.view.stop();
});

const HURTS: Readonly<Record<string, (path: string) => Promise<void>>> = {
  'torn: its file is damaged': async (path) => {
    const file = join(path, 'view.db');
    await truncate(file, Math.floor(statSync(file).size / 2));
  },
  'longer: its file is damaged': async (path) => {
    await writeFile(join(path, 'view.db'), 'x', { flag: 'a' });
  },
  'with another byte: its file is damaged': async (path) => {
    const handle = await open(join(path, 'view.db'), 'r+');
    await handle.write(Buffer.from([7]), 0, 1, 10_000);
    await handle.close();
  },
  'without its file: its file is damaged': (path) => rm(join(path, 'view.db')),
  'without its manifest: its manifest cannot be read': (path) => rm(join(path, 'manifest.json')),
  'with half a manifest: its manifest is broken': (path) =>
    truncate(join(path, 'manifest.json'), 100),
  'with another manifest: its manifest was changed': async (path) => {
    const file = join(path, 'manifest.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/"createdAt": \d+/, '"createdAt": 1'));
  },
};

for (const [says, hurt] of Object.entries(HURTS)) {
  test(`B-LV-11: a snapshot ${says}, and the view is built from the log's start`, async () => {
    const { snapshotDir, name } = await oneSnapshot();
    await hurt(join(snapshotDir, name));
    await refusedFor(says.split(': ')[1] ?? '', { snapshotDir });
  });
}

async function refusedFor(reason: string, options: Instance): Promise<void> {
  const { snapshotDir: _, ...plain } = options;
  const fromStart = await start(plain);
  const refusing = await start(options);
  assert.equal(refusing.errors.length, 1);
  assert.ok(refusing.errors[0]?.includes(reason), refusing.errors[0]);
  assert.equal(startsInTheMiddle(refusing), false);
  assert.deepEqual(documents(refusing), documents(fromStart));
  assert.deepEqual(
    (await readdir(refusing.dataDir)).filter((name) => name.includes('taking')),
    [],
  );
  await fromStart.view.stop();
  await refusing.view.stop();
}

test('B-LV-11: a snapshot of another etag key, projection or log, or an old one, is refused', async () => {
  const { snapshotDir } = await oneSnapshot();
  await refusedFor('another etag key', { snapshotDir, etagKey: new Uint8Array(32).fill(2) });
  await refusedFor('another version', { snapshotDir, projection: PROJECTION });
  await refusedFor('missed deletions', { snapshotDir, nowMs: Date.now() + 23 * DAY_MS });
  const other = logIn(join(folder, 'other-log'));
  await other.start();
  await refusedFor('another log', { snapshotDir, of: other.log });
  await other.stop();
  const behind = { ...log.log, epoch: log.log.epoch, partitions: log.log.partitions };
  const shorter: EventLog = {
    ...behind,
    ends: async () => behind.ends().then((e) => e.map(() => 0)),
    read: async () => [],
  };
  await refusedFor('ahead of the log', { snapshotDir, of: shorter });
});

test('B-LV-11: of several snapshots the newest that fits is taken', async () => {
  const first = await oneSnapshot();
  const second = await oneSnapshot();
  await cp(join(second.snapshotDir, second.name), join(first.snapshotDir, second.name), {
    recursive: true,
  });
  await truncate(join(first.snapshotDir, second.name, 'view.db'), 5_000);
  await mkdir(join(first.snapshotDir, 'not a snapshot'));
  const taking = await start({ snapshotDir: first.snapshotDir });
  assert.equal(taking.errors.length, 1);
  assert.equal(startsInTheMiddle(taking), true);
  await taking.view.stop();
});

test('B-LV-11: kill -9 while snapshots are made leaves whole ones, and nothing that counts as one', async () => {
  const dataDir = join(folder, 'killed');
  await cp(join(folder, 'log'), dataDir, { recursive: true });
  const snapshotDir = join(folder, 'of-the-killed');
  const script = fileURLToPath(new URL('./support/snapshot-until-killed.ts', import.meta.url));
  await mkdir(snapshotDir);
  let [halves, whole] = [0, 0];
  for (let run = 0; run < RUNS_MAX && (halves === 0 || whole === 0); run += 1) {
    const child = spawn(process.execPath, [script, dataDir, snapshotDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    let left = 1 + (run % 3);
    for await (const _ of lines) if (--left === 0) break;
    await new Promise((resolve) => setTimeout(resolve, run * 2));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const made = await readdir(snapshotDir);
    halves = made.filter((name) => name.startsWith('.making-')).length;
    whole = made.length - halves;
  }
  assert.ok(halves > 0, 'none was killed in the middle');
  const view = await start({ snapshotDir, of: log.log });
  const list = await view.view.snapshots.list();
  assert.ok(list.length > 0);
  assert.deepEqual(
    list.filter(({ name }) => name.startsWith('.')),
    [],
  );
  assert.deepEqual(view.errors, []);
  assert.equal(startsInTheMiddle(view), true);
  const fromStart = await start();
  assert.deepEqual(documents(view), documents(fromStart));
  await view.view.stop();
  await fromStart.view.stop();
});
