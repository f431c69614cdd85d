import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal, ViewChange } from '../../twin/ports.ts';
import { Feeds } from './feeds.ts';
import type { StreamState } from './stream.ts';
import { COVERAGE, changeOf, heldSink, principal, settled, streamOf } from './test/rig.ts';

const STREAMS = 3;

/** Feed streams of many readers, whose checks wait until they are let go. */
function sweeping(readers: number, may: (owner: Principal) => boolean = () => true) {
  const streams = Array.from({ length: readers * STREAMS }, (_, n) =>
    streamOf(`${n}`, principal(`reader-${n % readers}`), heldSink().sink),
  );
  const asked: [string, number][] = [];
  const waiting: (() => void)[] = [];
  const told: StreamState[] = [];
  const failed: StreamState[] = [];
  let most = 0;
  const feeds = new Feeds({
    feeds: new Set(streams),
    reader: {
      async variants(owner, uris) {
        asked.push([owner.subject, uris.length]);
        await new Promise<void>((resolve) => void waiting.push(resolve));
        if (owner.subject === 'reader-0') throw new Error('no answer');
        return uris.map(() => (may(owner) ? 'general' : null));
      },
    },
    tell: (some) => void told.push(...some),
    fail: (some) => void failed.push(...some),
  });
  const finish = async (): Promise<void> => {
    while (waiting.length > 0) {
      most = Math.max(most, waiting.length);
      waiting.shift()?.();
      await settled();
    }
  };
  return { feeds, streams, asked, told, failed, finish, most: () => most };
}

const changesOf = (count: number): ViewChange[] =>
  Array.from({ length: count }, (_, n) => changeOf(`${COVERAGE}/Coverage/${n}`, n));

test('B-MC-20: a change asks once a token, a few at a time, and tells who may know', async () => {
  const { feeds, asked, told, failed, finish, most } = sweeping(
    100,
    ({ subject }) => subject === 'reader-7',
  );
  feeds.changed(changesOf(1));
  await finish();
  assert.equal(asked.length, 100);
  assert.ok(most() <= 10, `${most()}`);
  assert.deepEqual(new Set(told.map((one) => one.principal.subject)), new Set(['reader-7']));
  assert.equal(told.length, STREAMS);
  assert.equal(failed.length, STREAMS, 'one without an answer keeps nobody else from theirs');
});

test('what changes during a sweep is asked about once, in the next', async () => {
  const { feeds, asked, finish } = sweeping(2);
  feeds.changed(changesOf(1));
  for (let n = 0; n < 5; n += 1) feeds.changed(changesOf(2));
  await finish();
  assert.deepEqual(
    asked.filter(([subject]) => subject === 'reader-1').map(([, uris]) => uris),
    [1, 2],
  );
});

test('many changes are asked about in parts, until there is one to know of', async () => {
  const { feeds, asked, told, finish } = sweeping(2, ({ subject }) => subject === 'none');
  feeds.changed(changesOf(600));
  await finish();
  const own = asked.filter(([subject]) => subject === 'reader-1').map(([, uris]) => uris);
  assert.deepEqual(own, [250, 250, 100]);
  assert.deepEqual(told, []);
});

test('a stream that closes meanwhile is not told', async () => {
  const { feeds, streams, told, finish } = sweeping(2);
  for (const stream of streams.filter(({ id }) => Number(id) > 1)) stream.closed = true;
  feeds.changed(changesOf(1));
  await finish();
  assert.deepEqual(
    told.map(({ id }) => id),
    ['1'],
  );
});
