import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, test } from 'node:test';
import { LIMITS } from '../kernel/limits.ts';
import type { Principal } from '../twin/ports.ts';
import { ManualClock, principal, RiggedEngine, remove, touch, until } from './decisions.rig.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { mark } from './spicedb/bookkeeping.ts';
import { startEmbeddedEngine } from './spicedb/embedded.ts';

const real = startEmbeddedEngine();
after(() => real.close());

let clock: ManualClock;
let engine: RiggedEngine;
let decisions: Decisions;
let member: string;
let ana: Principal;
let number = 0;
let beats = 0;

beforeEach(async () => {
  number += 1;
  member = `known-${number}`;
  ana = principal(`ana-known-${number}`);
  clock = new ManualClock();
  engine = new RiggedEngine(real);
  decisions = createDecisions({ engine, clock });
  await decisions.start();
  await write(`member:${member}#self@user:${ana.subject}`);
  await beat();
});
afterEach(() => decisions.stop());

const items = () => [{ permission: 'view_care', object: { type: 'member', id: member } }];
const isKnown = () => decisions.known(ana, items())?.map(({ allowed }) => allowed);

/** Returns once Watch has told of it. */
async function write(text: string): Promise<void> {
  let told = false;
  const unlisten = decisions.onChange(() => {
    told = true;
  });
  await real.write([text.startsWith('-') ? remove(text.slice(1)) : touch(text)]);
  await until(() => told);
  unlisten();
}

async function beat(): Promise<void> {
  beats = Math.max(beats + 1, clock.now());
  await real.write([{ operation: 'touch', relationship: mark('heartbeat', beats) }]);
  await until(() => decisions.sure);
}

test('B-HP-2: a decision is known once it was made, and asks nobody', async () => {
  assert.equal(isKnown(), undefined);
  await decisions.check(ana, items());
  const asked = engine.asked.length;
  assert.deepEqual(isKnown(), [true]);
  assert.equal(engine.asked.length, asked);
  assert.equal(decisions.known(principal('nobody-known'), items()), undefined);
});

test('B-HP-2: a revocation makes it unknown at once', async () => {
  await decisions.check(ana, items());
  await write(`-member:${member}#self@user:${ana.subject}`);
  assert.equal(isKnown(), undefined);
  await decisions.check(ana, items());
  assert.deepEqual(isKnown(), [false]);
});

test('B-HP-2: nothing is known while Watch is not heard', async () => {
  await decisions.check(ana, items());
  clock.advance(LIMITS.heartbeatSilenceMaxMs + 1);
  assert.equal(isKnown(), undefined);
});

test('B-HP-2: what is asked often is asked again in time, many in one call', async () => {
  await decisions.check(ana, items());
  const both = [
    ...items(),
    { permission: 'view_sensitive', object: { type: 'member', id: member } },
  ];
  await decisions.check(ana, both);
  for (let round = 0; round < 6; round += 1) {
    clock.advance(LIMITS.decisionTtlMs / 4);
    await beat();
    const asked = engine.asked.length;
    assert.deepEqual(decisions.known(ana, both)?.length, 2, `round ${round}`);
    clock.advance(50);
    await until(() => round === 0 || engine.asked.length <= asked + 1);
    await new Promise(setImmediate);
  }
  assert.ok(engine.asked.some(({ questions }) => questions === 2));
});

test('B-HP-2: what changes while it is asked again is not known', async () => {
  await decisions.check(ana, items());
  clock.advance(LIMITS.decisionTtlMs / 2 + 1);
  await beat();
  assert.deepEqual(isKnown(), [true]);
  let answered = false;
  engine.beforeAnswer = async () => {
    await write(`-member:${member}#self@user:${ana.subject}`);
    answered = true;
  };
  clock.advance(50);
  await until(() => answered);
  await new Promise(setImmediate);
  assert.equal(isKnown(), undefined);
});

test('B-HP-2: a known decision ends with the grant that it rests on', async () => {
  const bob = principal(`bob-known-${number}`);
  const expires = new Date(clock.now() + 1_000).toISOString();
  await write(`member:${member}#delegate@user:${bob.subject}[expiration:${expires}]`);
  await decisions.check(bob, items());
  assert.deepEqual(
    decisions.known(bob, items())?.map(({ allowed }) => allowed),
    [true],
  );
  clock.advance(1_000);
  await beat();
  assert.notEqual(decisions.known(bob, items())?.[0]?.allowed, true);
});

test('B-HP-2: who broke no glass is known not to have, without a question; who did is asked about', async () => {
  const object = { type: 'member', id: member };
  const emergency = [{ permission: 'emergency', object }];
  const asked = engine.asked.length;
  const none = await decisions.check(ana, emergency);
  assert.deepEqual([none[0]?.allowed, engine.asked.length], [false, asked]);
  const expires = new Date(clock.now() + 60_000).toISOString();
  await write(`member:${member}#emergency@user:${ana.subject}[expiration:${expires}]`);
  assert.equal(decisions.known(ana, emergency), undefined);
  assert.equal((await decisions.check(ana, emergency))[0]?.allowed, true);
  assert.ok(engine.asked.length > asked);
  clock.advance(LIMITS.heartbeatSilenceMaxMs + 1);
  const before = engine.asked.length;
  await decisions.check(principal('nobody-emergency'), emergency);
  assert.equal(engine.asked.length, before + 1, 'unheard, everybody is asked about');
});
