import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../kernel/limits.ts';
import { Rechecks } from '../../twin/rechecks.ts';
import type { StreamState } from './stream.ts';
import { heldSink, principal, settled, streamOf } from './test/rig.ts';

const OTHER_TOKEN = { tokenId: 'another' };

/** Looks that last until they are let go, in the order in which they began. */
function looked() {
  const rounds: string[][] = [];
  const lasting: (() => void)[] = [];
  const rechecks = new Rechecks<StreamState>((_, streams) => {
    rounds.push(streams.map(({ id }) => id));
    return new Promise((resolve) => void lasting.push(resolve));
  });
  return {
    rechecks,
    rounds,
    lasting,
    /** Lets all end, and what begins thereby; answers how many were under way at most. */
    async finish(): Promise<number> {
      let most = 0;
      while (lasting.length > 0) {
        most = Math.max(most, lasting.length);
        lasting.shift()?.();
        await settled();
      }
      return most;
    },
  };
}

function streamsOf(subject: string, count: number, uris = 1, more = {}): StreamState[] {
  return Array.from({ length: count }, (_, n) => {
    const stream = streamOf(`${subject}-${n}`, principal(subject, more), heldSink().sink);
    for (let uri = 0; uri < uris; uri += 1) stream.uris.set(`mcp://${n}/${uri}`, 'general');
    return stream;
  });
}

test('B-MC-20: however many principals, a few are looked at at a time, each in one round', async () => {
  const { rechecks, rounds, finish } = looked();
  const all = Array.from({ length: 300 }, (_, n) => streamsOf(`reader${n}`, 5)).flat();
  rechecks.add(all, 'later');
  assert.ok((await finish()) <= 10);
  assert.equal(rounds.length, 300);
  assert.deepEqual(rounds.flat().sort(), all.map(({ id }) => id).sort());
});

test('who is known to be concerned comes before whoever may be', async () => {
  const { rechecks, rounds, lasting, finish } = looked();
  rechecks.add(Array.from({ length: 100 }, (_, n) => streamsOf(`reader${n}`, 1)).flat(), 'later');
  const begun = lasting.length;
  rechecks.add(streamsOf('concerned', 1), 'first');
  await finish();
  assert.deepEqual(rounds[begun], ['concerned-0']);
});

test('P1: what changes while a stream is looked at is looked at once more, after it', async () => {
  const { rechecks, rounds, lasting, finish } = looked();
  const own = streamsOf('ana', 2);
  rechecks.add(own, 'first');
  for (let n = 0; n < 3; n += 1) rechecks.add(own, 'first');
  assert.equal(lasting.length, 1, 'not beside it');
  await finish();
  assert.deepEqual(rounds, [
    ['ana-0', 'ana-1'],
    ['ana-0', 'ana-1'],
  ]);
});

test('P1: tokens of one principal, which may be for less, are looked at apart', async () => {
  const { rechecks, rounds, finish } = looked();
  const [one] = streamsOf('ana', 1);
  const [two] = streamsOf('ana', 1, 1, OTHER_TOKEN);
  assert.ok(one && two);
  rechecks.add([one, two], 'first');
  assert.equal(await finish(), 1);
  assert.deepEqual(rounds, [['ana-0'], ['ana-0']]);
});

test('a round has as many URIs as one bulk check, or one stream', async () => {
  const { rechecks, rounds, finish } = looked();
  const half = LIMITS.checkItemsMax / 4;
  rechecks.add([...streamsOf('ana', 3, half), ...streamsOf('ben', 2, 3 * half)], 'later');
  await finish();
  assert.deepEqual(rounds, [['ana-0', 'ana-1'], ['ben-0'], ['ana-2'], ['ben-1']]);
});

test('a stream that has closed is passed over', async () => {
  const { rechecks, rounds, finish } = looked();
  const [open, closed] = streamsOf('ana', 2);
  assert.ok(open && closed);
  closed.closed = true;
  rechecks.add([closed, open], 'later');
  rechecks.add([closed], 'first');
  await finish();
  assert.deepEqual(rounds, [['ana-0']]);
});
