import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import type { Place, Principal } from './ports.ts';
import { createSharedFloors, type FloorStore, newestPlace } from './shared-floors.ts';

const ana = { kind: 'user', subject: 'ana', tenant: 'demo', clientId: 'cli' } as Principal;
const URI = 'mcp://twins/member/demo-ana/coverage';
const secret = new Uint8Array(32).fill(1);

/** What two instances share; `lost`: it cannot say what was raised. */
function shared() {
  const held = new Map<string, Place>();
  const state = { lost: false };
  const store: FloorStore = {
    raise(key, place) {
      held.set(key, place);
      return Promise.resolve();
    },
    of: (key) => Promise.resolve(state.lost ? 'unknown' : held.get(key)),
  };
  return { store, held, state };
}

test('P3: a floor that one instance raised is honoured by the other, and by nobody else', async () => {
  const { store, held } = shared();
  const newest = () => assert.fail('the log is not asked while the store answers');
  const [one, two] = [1, 2].map(() => createSharedFloors({ store, secret, newest }));
  await one?.raise(ana, URI, { partition: 1, offset: 5 });
  assert.deepEqual(await two?.of(ana, URI), { partition: 1, offset: 5 });
  assert.equal(await two?.of({ ...ana, subject: 'ben' }, URI), undefined);
  assert.equal(await two?.of(ana, URI.replace('coverage', 'care')), undefined);
  for (const key of held.keys()) assert.match(key, /^[\w-]{22}$/, 'P9: nothing can be read in it');
  const other = createSharedFloors({ store, secret: new Uint8Array(32), newest });
  assert.equal(await other.of(ana, URI), undefined, 'nor found without the key');
});

test('P3, P6: where the store cannot say, a read waits for the end of the log', async () => {
  const { store, state } = shared();
  const log = { ends: () => Promise.resolve([0, 8, 0]) };
  const view = { partitionOf: () => 1 };
  const floors = createSharedFloors({ store, secret, newest: newestPlace(log, view, systemClock) });
  state.lost = true;
  assert.deepEqual(await floors.of(ana, URI), { partition: 1, offset: 7 });
  assert.equal(await floors.of(ana, 'mcp://twins/changes/now'), undefined);
  assert.equal(await floors.of(ana, 'not a uri'), undefined);
});

test('P6: with log and store away, what this instance knows holds', async () => {
  const { store, state } = shared();
  const log = { ends: () => Promise.reject(new Fault('LOG_UNAVAILABLE')) };
  const newest = newestPlace(log, { partitionOf: () => 1 }, systemClock);
  const floors = createSharedFloors({ store, secret, newest });
  await floors.raise(ana, URI, { partition: 1, offset: 3 });
  state.lost = true;
  assert.deepEqual(await floors.of(ana, URI), { partition: 1, offset: 3 });
});

test('the higher of what is shared and what is known here is waited for', async () => {
  const { store, held } = shared();
  const floors = createSharedFloors({ store, secret, newest: () => Promise.resolve(undefined) });
  await floors.raise(ana, URI, { partition: 1, offset: 9 });
  for (const key of held.keys()) held.set(key, { partition: 1, offset: 4 });
  assert.equal((await floors.of(ana, URI))?.offset, 9);
  for (const key of held.keys()) held.set(key, { partition: 1, offset: 12 });
  assert.equal((await floors.of(ana, URI))?.offset, 12);
});

test('P6: a log that does not say where it ends holds nobody up for long', async () => {
  let [now, asked] = [0, 0];
  const timers: (() => void)[] = [];
  const clock = {
    ...systemClock,
    monotonic: () => now,
    after(_: number, task: () => void) {
      timers.push(task);
      return { cancel: () => undefined };
    },
  };
  const log = {
    ends() {
      asked += 1;
      return new Promise<number[]>(() => undefined);
    },
  };
  const newest = newestPlace(log, { partitionOf: () => 0 }, clock);
  const first = newest(URI);
  timers[0]?.();
  assert.equal(await first, undefined);
  assert.equal(await newest(URI), undefined);
  assert.equal(asked, 1, 'not asked again at once');
  now = 5_001;
  const later = newest(URI);
  timers.at(-1)?.();
  assert.equal(await later, undefined);
  assert.equal(asked, 2);
});
