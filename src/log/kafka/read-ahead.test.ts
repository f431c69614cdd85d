import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FollowOptions, KafkaRecord } from './client.ts';
import { ReadAhead } from './read-ahead.ts';

/** A topic whose records the test hands over; how often its end was asked for is counted. */
function stage() {
  let options: FollowOptions | undefined;
  const asked = { starts: 0, ends: 0 };
  const ask = async (what: keyof typeof asked): Promise<void> => {
    asked[what] += 1;
  };
  const ahead = new ReadAhead<KafkaRecord>({
    ...{ topic: 't', partitions: 2, decode: (record) => record },
    onError: (error) => assert.fail(String(error)),
    client: {
      follow(given) {
        options = given;
        return {
          start: () => ask('starts'),
          caughtUp: () => ask('ends'),
          stop: async () => undefined,
        };
      },
    },
  });
  const come = async (...offsets: number[]): Promise<void> => {
    const record = { topic: 't', partition: 1, key: null, value: null, headers: {}, timestamp: 0 };
    await options?.onRecords(offsets.map((offset) => ({ ...record, offset })));
  };
  return { ahead, asked, come, from: () => options?.from.map(({ offset }) => offset) };
}

test('what was told of is handed over without a look at the end, and all of it with one', async () => {
  const { ahead, asked, come } = stage();
  const told: (readonly number[])[] = [];
  ahead.onAppend((partitions) => told.push(partitions));
  await ahead.startAt([0, 5]);
  assert.deepEqual(await ahead.readHeld(1, 5, 10), []);
  await come(5, 6);
  await come(9);
  assert.deepEqual(told, [[1], [1]]);
  const offsets = async (read: Promise<KafkaRecord[]>) => (await read).map(({ offset }) => offset);
  assert.deepEqual(await offsets(ahead.readHeld(1, 5, 2)), [5, 6]);
  assert.deepEqual(await offsets(ahead.readHeld(1, 7, 2)), [9]);
  assert.deepEqual(await offsets(ahead.readHeld(1, 10, 2)), []);
  assert.deepEqual(asked, { starts: 1, ends: 0 });
  assert.deepEqual(await offsets(ahead.read(1, 10, 2)), []);
  assert.deepEqual(asked, { starts: 1, ends: 1 });
});

test('what lies further back is read anew', async () => {
  const { ahead, asked, come, from } = stage();
  await ahead.startAt([0, 5]);
  await come(5);
  assert.deepEqual(await ahead.readHeld(1, 2, 10), []);
  assert.deepEqual([asked.starts, from()], [2, [0, 2]]);
});
