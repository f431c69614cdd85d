import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, test } from 'node:test';
import { ManualClock, RiggedEngine, remove, touch, until } from './decisions.rig.ts';
import { Follower } from './decisions-follower.ts';
import { printRelation } from './relations-text.ts';
import { startEmbeddedEngine } from './spicedb/embedded.ts';

const real = startEmbeddedEngine();
after(() => real.close());

let clock: ManualClock;
let engine: RiggedEngine;
let follower: Follower;
let told: string[];
let begun: number;
let offsets: number[];
let number = 0;

beforeEach(async () => {
  number++;
  clock = new ManualClock();
  engine = new RiggedEngine(real);
  [told, offsets, begun] = [[], [], 0];
  follower = new Follower({
    engine,
    clock,
    onChanges(changes) {
      told.push(...changes.map((one) => `${one.operation} ${printRelation(one.relationship)}`));
    },
    onFresh: () => void begun++,
    onOffset: (offset) => void offsets.push(offset),
    onTrouble: () => undefined,
  });
  await follower.start();
});
afterEach(() => follower.stop());

const own = (user: string): string => `member:f${number}#self@user:${user}`;

/** Written, and told of when Watch is open. */
async function write(user: string): Promise<void> {
  const before = told.length;
  await real.write([touch(own(user))]);
  await until(() => told.length > before);
}

test('a Watch that told something and ended goes on where it ended: nothing is read anew', async () => {
  await write('ana');
  engine.endWatch();
  await real.write([touch(own('missed'))]);
  await real.write([remove(own('ana'))]);
  await until(() => told.length === 3);
  assert.deepEqual(told, [`touch ${own('ana')}`, `touch ${own('missed')}`, `delete ${own('ana')}`]);
  assert.equal(begun, 1);
});

test('a Watch that ended before it told anything is begun anew', async () => {
  engine.endWatch();
  clock.advance(100);
  await until(() => begun === 2);
  await write('ana');
});

test('a Watch that has fallen silent is opened anew, and when that is silent too, begun anew', async () => {
  await write('ana');
  engine.muteWatch();
  await real.write([touch(own('missed'))]);
  clock.advance(5_000);
  clock.advance(100);
  await until(() => told.length === 2);
  assert.equal(begun, 1);
  engine.endWatch();
  clock.advance(100);
  assert.equal(begun, 1, 'opened where it ended');
  clock.advance(5_000);
  clock.advance(1_000);
  await until(() => begun === 2);
  await write('after');
});

test('begun anew, it knows how far the journal is written', async () => {
  await real.write([touch('system:relations#offset@beat:41')]);
  await until(() => offsets.includes(41));
  offsets = [];
  engine.endWatch();
  clock.advance(100);
  engine.endWatch();
  clock.advance(1_000);
  await until(() => offsets.includes(41));
  await real.write([remove('system:relations#offset@beat:41')]);
});
