import assert from 'node:assert/strict';
import { mkdtempSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock } from '../kernel/clock.ts';
import { createChangeBus } from '../twin/change-bus.ts';
import type { ViewChange } from '../twin/ports.ts';
import { createView } from './embedded.ts';
import { memoryLog } from './test/memory-log.ts';
import { PARTITION } from './test/records.ts';

const CLINICAL = 'mcp://twins/member/ana/clinical';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'twin-view-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

async function open(log: ReturnType<typeof memoryLog>['log'], version = 1) {
  const told: ViewChange[] = [];
  const failures: unknown[] = [];
  const bus = createChangeBus(assert.ifError);
  const view = createView({
    dataDir,
    log,
    bus,
    etagKey: new Uint8Array(32),
    clock: systemClock,
    onError: (error) => failures.push(error),
    batchSize: 2,
    projection: new URL(`./test/projection.ts?version=${version}`, import.meta.url).href,
  });
  // A listener may read at once: what it is told of is there.
  bus.subscribe((changes) => {
    for (const { place } of changes) {
      assert.ok(view.for(place.partition).applied(place.partition) >= place.offset);
    }
    told.push(...changes);
  });
  await view.start();
  return { view, told, failures };
}

const WAIT_MS = 10_000;
const names = (told: readonly ViewChange[]) =>
  told.map(({ uri, variant, kind }) => `${kind} ${uri.split('/').slice(4).join('/')} ${variant}`);

test('P4: what the log has is there at the start, and what it gets is told in order', async () => {
  const { log, append } = memoryLog();
  append(3, { member: 'ana', id: 'c1', text: 'strong asthma' });
  const { view, told } = await open(log);
  assert.deepEqual(view.for(PARTITION).document(CLINICAL, 'general')?.data, {
    texts: ['strong asthma'],
  });
  told.length = 0;
  for (const text of ['gout', 'cough', 'gout']) append(1, { member: 'ana', id: 'c2', text });
  assert.equal(await view.waitFor({ partition: PARTITION, offset: 5 }, WAIT_MS), true);
  const offsets = told.filter(({ uri }) => uri === CLINICAL).map(({ place }) => place.offset);
  assert.deepEqual(offsets, offsets.toSorted());
  assert.equal(offsets.at(-1), 5);
  const never = view.waitFor({ partition: PARTITION, offset: 6 }, WAIT_MS);
  await assert.rejects(never, { code: 'INVALID_ARGUMENT', data: { pastEnd: true } });
  assert.equal(statSync(join(dataDir, 'view.db')).mode & 0o077, 0);
  await view.stop();
});

test('B-LV-4: a start with a new projection tells only of what reads differently', async () => {
  const { log, append } = memoryLog();
  append(1, { member: 'ana', id: 'c1', text: 'strong asthma' });
  append(1, { member: 'ben', id: 'c1', text: 'gout' });
  const first = await open(log);
  await first.view.stop();
  const second = await open(log, 2);
  assert.deepEqual(names(second.told), [
    'updated ana/clinical general',
    'updated ana/clinical full',
  ]);
  assert.deepEqual(second.view.for(PARTITION).document(CLINICAL, 'full')?.data, {
    texts: ['STRONG asthma'],
  });
  append(1, { member: 'ben', id: 'c2', text: 'cough' });
  assert.equal(await second.view.waitFor({ partition: PARTITION, offset: 2 }, WAIT_MS), true);
  await second.view.stop();
  const third = await open(log, 2);
  assert.deepEqual(third.told, []);
  await third.view.stop();
});

test('a projection that fails is told of by subject, and the view goes on', async () => {
  const { log, append } = memoryLog();
  const { view, failures } = await open(log);
  append(1, { member: 'ana', id: 'c1', text: 'poison' });
  append(1, { member: 'ben', id: 'c1', text: 'gout' });
  assert.equal(await view.waitFor({ partition: PARTITION, offset: 1 }, WAIT_MS), true);
  assert.match(String(failures[0]), /member:ana/);
  assert.ok(view.for(PARTITION).document('mcp://twins/member/ben/clinical', 'general'));
  await view.stop();
});
