import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../kernel/limits.ts';
import { encodeBundle } from '../events/index.ts';
import type { KafkaRecord } from './client.ts';
import { Inbox } from './inbox.ts';

/** From records of the intake to whole submissions, and to the offset up to which all is decided. */
let nowMs = 0;
const inbox = () => new Inbox(() => nowMs);

function recordsOf(eventId: string, bytes: number, partition: number, offset: number) {
  const body = Buffer.alloc(bytes, eventId);
  const of = { tenant: 'demo', source: 'ehr', actor: 'user:op', eventId, format: 'json' } as const;
  const messages = encodeBundle({ ...of, gzip: false, body, dryRun: false }, 'demo/ehr');
  return messages.map(
    (message, index): KafkaRecord => ({
      ...{ topic: 'twins.intake', partition, offset: offset + index, timestamp: 0 },
      ...message,
    }),
  );
}

const PARTS_3 = 2 * LIMITS.recordBytesMax;
const eventsOf = ({ items }: ReturnType<Inbox['take']>): string[] =>
  items.map((item) => (item.kind === 'bundle' ? item.eventId : ''));

test('P4: parts become one submission, in order, whatever stands between them', () => {
  const box = inbox();
  const [one, two, three] = recordsOf('large', PARTS_3, 0, 10);
  const [between] = recordsOf('small', 10, 0, 12);
  assert.ok(one && two && three && between);
  box.add([one, { ...two, offset: 11 }, between]);
  const first = box.take();
  assert.deepEqual(eventsOf(first), ['small']);
  assert.deepEqual(first.intake, [{ partition: 0, next: 10 }], 'the large one began there');
  // Sent again by a producer that heard no answer, and then the rest.
  box.add([
    { ...two, offset: 13 },
    { ...three, offset: 14 },
  ]);
  const second = box.take();
  assert.deepEqual(eventsOf(second), ['large']);
  const [whole] = second.items;
  assert.equal(whole?.kind === 'bundle' && whole.body.length, PARTS_3);
  assert.deepEqual(second.intake, [{ partition: 0, next: 15 }]);
  assert.ok(box.isEmpty);
});

test('P4: what is still queued is not counted as decided', () => {
  const box = inbox();
  const many = Array.from({ length: 250 }, (_, index) => recordsOf(`e${index}`, 10, 3, index));
  box.add(many.flat());
  assert.deepEqual(box.take().intake, [{ partition: 3, next: 200 }]);
  assert.deepEqual(box.take().intake, [{ partition: 3, next: 250 }]);
});

test('F13: the rest that never comes, and bytes that are no submission, are named by their record', () => {
  const box = inbox();
  const [half] = recordsOf('half', PARTS_3, 1, 5);
  const [whole] = recordsOf('whole', 10, 1, 7);
  assert.ok(half && whole);
  box.add([half, { ...whole, value: Buffer.from([0, 1, 2]), offset: 6 }]);
  nowMs += 61_000;
  box.add([whole]);
  const { unreadable, intake } = box.take();
  assert.deepEqual(unreadable.map(({ record }) => record.offset).sort(), [5, 6]);
  assert.deepEqual(intake, [{ partition: 1, next: 8 }]);
});

test('P6: open parts are bounded, in number and in bytes: the oldest are given up', () => {
  const box = inbox();
  for (let index = 0; index < 70; index += 1) {
    const [half] = recordsOf(`half-${index}`, PARTS_3, 2, index);
    if (half !== undefined) box.add([half]);
  }
  const { unreadable } = box.take();
  assert.deepEqual(
    unreadable.map(({ record }) => record.offset),
    [0, 1, 2, 3, 4, 5],
  );
});
