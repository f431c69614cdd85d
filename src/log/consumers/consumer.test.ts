import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../kernel/limits.ts';
import { Undecodable } from '../events/undecodable.ts';
import { type Decode, type Handler, Rejected } from './event.ts';
import { createTestKit, type TestKit, type TestKitOptions } from './test-kit/index.ts';

const TOPIC = 'words';
let open: TestKit[] = [];

afterEach(async () => {
  await Promise.all(open.map((kit) => kit.stop()));
  open = [];
});

/** `id:word`. */
const decode: Decode<string> = ({ value }) => {
  const [id, word] = value?.toString().split(':') ?? [];
  if (id === undefined || word === undefined) throw new Undecodable('MALFORMED', 'no word');
  return { id, type: 'word', value: word };
};

async function kitOf(
  handler: Handler<string>,
  more: Partial<TestKitOptions<string>> = {},
): Promise<TestKit> {
  const kit = await createTestKit({ topics: [TOPIC], decode, handler, ...more });
  open.push(kit);
  return kit;
}

test('an event is handled once, and then its offset is committed', async () => {
  const effects: string[] = [];
  const kit = await kitOf(
    ({ value, key, attempt }) => void effects.push(`${key}${value}${attempt}`),
  );
  await kit.send({ key: 'a', value: '1:x' });
  assert.equal(kit.committed(), 0);
  await kit.advance(100);
  assert.equal(kit.committed(), 1);
  await kit.send({ key: 'b', value: '1:x' });
  await kit.advance(100);
  assert.deepEqual([effects, kit.committed()], [['ax1'], 2]);
});

test('what fails is tried three times with growing pauses, and then is a dead letter', async () => {
  const tries: number[] = [];
  const kit = await kitOf(({ timestamp }) => {
    tries.push(kit.clock.now() - timestamp);
    throw new Error('Ana Example, born 1970-01-01');
  });
  await kit.send({ key: 'ana', value: '1:x', headers: { note: 'hers' } });
  await kit.advance(1_000);
  assert.deepEqual(tries, [0, 200, 600]);
  const [letter] = kit.deadLetters();
  assert.deepEqual(
    [letter?.reason, letter?.attempts, letter?.origin],
    ['FAILED', 3, { topic: TOPIC, partition: 0, offset: 0 }],
  );
  const { key, value, headers } = letter?.content ?? {};
  assert.deepEqual(
    [key?.toString(), value?.toString(), headers?.note?.toString()],
    ['ana', '1:x', 'hers'],
  );
  assert.equal(kit.committed(), 1);
});

test('the second try may mend it', async () => {
  const effects: number[] = [];
  const kit = await kitOf(async ({ attempt }) => {
    if (attempt === 1) throw new Error('not yet');
    effects.push(attempt);
  });
  await kit.send({ key: 'a', value: '1:x' });
  await kit.advance(1_000);
  assert.deepEqual([effects, kit.deadLetters(), kit.committed()], [[2], [], 1]);
});

test('F13: what cannot be decoded, is too large or is rejected goes there at once', async () => {
  const kit = await kitOf(({ value }) => {
    if (value === 'no') throw new Rejected();
  });
  await kit.send({ key: 'a', value: '{' });
  await kit.send({ key: 'a', value: '1:no' });
  await kit.send({ key: 'a', value: `2:${'x'.repeat(LIMITS.recordBytesMax)}` });
  await kit.send({ key: 'a', value: '3:yes' });
  await kit.advance(100);
  assert.deepEqual(
    kit
      .deadLetters()
      .map(({ reason, attempts, content }) => [reason, attempts, content !== undefined]),
    [
      ['MALFORMED', 1, true],
      ['REJECTED', 1, true],
      ['TOO_LARGE', 1, false],
    ],
  );
  assert.equal(kit.committed(), 4);
});

test('events of one key wait for each other, those of others go on', async () => {
  const effects: string[] = [];
  const kit = await kitOf(
    async ({ value, attempt }) => {
      if (value === 'a1' && attempt < 3) throw new Error('again');
      effects.push(value);
    },
    { concurrency: 1 },
  );
  for (const word of ['a1', 'a2', 'b1', 'b2']) {
    await kit.send({ key: word[0] ?? '', value: `${word}:${word}` });
  }
  assert.deepEqual(effects, ['b1', 'b2']);
  await kit.advance(100);
  assert.equal(kit.committed(), 0, 'there is a hole before what ended');
  await kit.advance(1_000);
  assert.deepEqual([effects, kit.committed()], [['b1', 'b2', 'a1', 'a2'], 4]);
});

test('nothing is committed before its dead letter is written', async () => {
  const kit = await kitOf(() => {
    throw new Rejected();
  });
  kit.away(new Error('no such broker'));
  await kit.send({ key: 'a', value: '1:x' });
  await kit.advance(60_000);
  assert.deepEqual([kit.deadLetters(), kit.committed()], [[], 0]);
  kit.away(undefined);
  await kit.advance(20_000);
  assert.deepEqual([kit.deadLetters().length, kit.committed()], [1, 1]);
});

test('nothing is committed before it is remembered', async () => {
  let full = true;
  const known = new Set<string>();
  const idempotency = {
    has: (id: string) => known.has(id),
    remember(ids: readonly string[]) {
      if (full) throw new Error('the disk is full');
      for (const id of ids) known.add(id);
    },
  };
  let effects = 0;
  const kit = await kitOf(() => void effects++, { idempotency });
  await kit.send({ key: 'a', value: '1:x' });
  await kit.advance(1_000);
  assert.equal(kit.committed(), 0);
  await kit.send({ key: 'a', value: '1:x' });
  full = false;
  await kit.advance(1_000);
  assert.deepEqual([effects, kit.committed()], [1, 2]);
});

test('a handler that ends too late is tried again, one that never ends is not', async () => {
  const seen: string[] = [];
  const kit = await kitOf(
    ({ value, attempt, signal }) => {
      seen.push(`${value}${attempt}`);
      if (value === 'never') return new Promise(() => undefined);
      if (attempt === 2) return;
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
    { handlerTimeoutMs: 1_000 },
  );
  await kit.send({ key: 'a', value: '1:late' });
  await kit.send({ key: 'b', value: '2:never' });
  await kit.advance(5_000);
  assert.deepEqual(seen, ['late1', 'never1', 'late2']);
  assert.deepEqual(
    kit.deadLetters().map(({ reason, attempts }) => [reason, attempts]),
    [['TIMED_OUT', 1]],
  );
  assert.equal(kit.committed(), 2);
});

test('F21: partitions go with what is under way ended and nothing begun', async () => {
  const effects: string[] = [];
  const gates = new Map<string, () => void>();
  const kit = await kitOf(
    async ({ value }) => {
      if (!gates.has(value)) await new Promise<void>((resolve) => gates.set(value, resolve));
      effects.push(value);
    },
    { drainMs: 1_000 },
  );
  await kit.send({ key: 'a', value: '1:a1' });
  await kit.send({ key: 'a', value: '2:a2' });
  const rebalanced = kit.rebalance();
  gates.get('a1')?.();
  await rebalanced;
  assert.deepEqual([effects, kit.committed()], [['a1'], 1], 'what ended is committed before');
  await kit.advance(100);
  gates.get('a2')?.();
  await kit.advance(100);
  assert.deepEqual([effects, kit.committed()], [['a1', 'a2'], 2]);
});

test('a rebalance abandons what waits for its next try', async () => {
  let tries = 0;
  const kit = await kitOf(({ attempt }) => {
    tries += 1;
    if (attempt < 3) throw new Error('again');
  });
  await kit.send({ key: 'a', value: '1:x' });
  await kit.rebalance();
  await kit.advance(10_000);
  assert.deepEqual([tries, kit.committed(), kit.deadLetters()], [4, 1, []]);
});

test('a handler that is behind is sent no more than it can hold', async () => {
  let under = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  const kit = await kitOf(
    async () => {
      under += 1;
      most = Math.max(most, under);
      await new Promise<void>((resolve) => gates.push(resolve));
      under -= 1;
    },
    { concurrency: 1_000, inFlightMax: 10 },
  );
  for (let n = 0; n < 50; n++) await kit.send({ key: `k${n}`, value: `${n}:x` });
  assert.ok(most <= 20, 'no more than it may hold, and the batch that was on its way');
  for (let n = 0; n < 50; n++) {
    gates.shift()?.();
    await kit.advance(1);
  }
  await kit.advance(200);
  assert.deepEqual([kit.committed(), most <= 20], [50, true]);
});

test('a stop ends what was read, and commits it', async () => {
  const effects: string[] = [];
  const kit = await kitOf(async ({ value, attempt }) => {
    if (attempt === 1) throw new Error('again');
    effects.push(value);
  });
  await kit.send({ key: 'a', value: '1:x' });
  await kit.send({ key: 'a', value: '2:y' });
  await kit.stop();
  assert.deepEqual([effects, kit.committed()], [['x', 'y'], 2]);
});

test('F14: whatever comes twice and in whatever order, each has one effect', async () => {
  const seed = 20_261_124;
  const events = fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      id: fc.nat(30),
      fails: fc.nat(3),
      wait: fc.boolean(),
    }),
    { maxLength: 40 },
  );
  const property = fc.asyncProperty(events, fc.integer({ min: 1, max: 8 }), async (list, wide) => {
    const done: string[] = [];
    const failing = new Map(list.map(({ id, fails }) => [`${id}`, fails]));
    const waits = new Map(list.map(({ id, wait }) => [`${id}`, wait]));
    const kit = await createTestKit<string>({
      ...{ topics: [TOPIC], decode, concurrency: wide },
      async handler({ id, attempt }) {
        if (waits.get(id) === true) await Promise.resolve();
        if (attempt <= (failing.get(id) ?? 0)) throw new Error('again');
        done.push(id);
      },
    });
    for (const { key, id } of list) await kit.send({ key, value: `${id}:${key}` });
    await kit.advance(60_000);
    assert.equal(kit.committed(), list.length);
    assert.equal(new Set(done).size, done.length, 'an effect came twice');
    for (const { id, fails } of list) {
      if ((failing.get(`${id}`) ?? fails) < 3) assert.ok(done.includes(`${id}`), `${id} is lost`);
    }
    await kit.stop();
  });
  await fc.assert(property, { seed, numRuns: 30 });
});

test('events of one key take effect in their order, however they fail and wait', async () => {
  const seed = 20_261_125;
  const event = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    fails: fc.nat(3),
    waits: fc.nat(3),
  });
  const property = fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (list) => {
    const done = new Map<string, number[]>();
    const kit = await createTestKit<string>({
      ...{ topics: [TOPIC], decode, concurrency: 2 },
      async handler({ id, key, attempt }) {
        const { fails = 0, waits = 0 } = list[Number(id)] ?? {};
        for (let turn = 0; turn < waits; turn++) await Promise.resolve();
        if (attempt <= fails) throw new Error('again');
        done.set(key ?? '', [...(done.get(key ?? '') ?? []), Number(id)]);
      },
    });
    for (const [id, { key }] of list.entries()) await kit.send({ key, value: `${id}:x` });
    await kit.advance(60_000);
    for (const key of ['a', 'b', 'c']) {
      const expected = [...list.entries()].filter(([, one]) => one.key === key && one.fails < 3);
      assert.deepEqual(
        done.get(key) ?? [],
        expected.map(([id]) => id),
      );
    }
    await kit.stop();
  });
  await fc.assert(property, { seed, numRuns: 30 });
});
