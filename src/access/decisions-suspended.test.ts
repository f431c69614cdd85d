import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endsAllOf } from '../twin/principals.ts';
import { ManualClock, principal, RiggedEngine, remove, touch, until } from './decisions.rig.ts';
import { createDecisions } from './decisions.ts';
import { Suspensions, suspendedBy } from './decisions-suspended.ts';
import { parseRelation, relationKey } from './relations-text.ts';
import { startEmbeddedEngine } from './spicedb/embedded.ts';

const TEXT = 'client:vendor#suspended@organization:demo';

const CLOSED = [
  ['its client', { clientId: 'vendor' }],
  ['its agent', { actor: 'vendor' }],
  ['an agent within the chain', { actor: 'outer', actors: ['outer', 'vendor'] }],
  ['the agent on its own', { kind: 'agent', subject: 'vendor' }],
] as const;
const OPEN = [
  ['another client', { clientId: 'other', actor: 'assistant' }],
  ['a person of that name', { subject: 'vendor' }],
  ['another tenant', { clientId: 'vendor', tenant: 'other' }],
] as const;

test('B-AG-4, 35: a vendor is known by its client, and anywhere in a chain of actors', () => {
  const suspensions = new Suspensions();
  suspensions.apply(touch(TEXT));
  const ended = suspendedBy(touch(TEXT));
  assert.ok(ended !== undefined);
  for (const [name, more] of CLOSED) {
    const { subject = 'ana', ...rest } = { subject: 'ana', ...more };
    const one = principal(subject, rest);
    assert.deepEqual([suspensions.denies(one), endsAllOf(ended, one)], [true, true], name);
  }
  for (const [name, more] of OPEN) {
    const { subject = 'ana', ...rest } = { subject: 'ana', ...more };
    const one = principal(subject, rest);
    assert.deepEqual([suspensions.denies(one), endsAllOf(ended, one)], [false, false], name);
  }
  suspensions.apply(remove(TEXT));
  assert.equal(suspensions.denies(principal('ana', { clientId: 'vendor' })), false);
});

test('B-AG-4: what a fresh read found counts, but for what Watch has told since', () => {
  const suspensions = new Suspensions();
  const vendor = principal('ana', { clientId: 'vendor' });
  suspensions.load([parseRelation(TEXT)], new Set());
  assert.equal(suspensions.denies(vendor), true);
  suspensions.load([], new Set());
  assert.equal(suspensions.denies(vendor), false);
  suspensions.apply(touch(TEXT));
  suspensions.load([], new Set([relationKey(parseRelation(TEXT))]));
  assert.equal(suspensions.denies(vendor), true, 'told after the read had begun');
});

test('B-AG-4: what is not committed yet survives that Watch begins anew, and what that finds is told', async () => {
  const real = startEmbeddedEngine({ onDeath: () => undefined });
  const engine = new RiggedEngine(real);
  const clock = new ManualClock();
  const decisions = createDecisions({ engine, clock });
  await decisions.start();
  const told: string[] = [];
  decisions.onChange((change) => void (change.kind === 'client' && told.push(change.client)));
  const vendor = principal('ana', { clientId: 'vendor' });
  try {
    decisions.withhold([touch(TEXT)], 7);
    assert.deepEqual([decisions.isSuspended(vendor), told], [true, ['vendor']]);
    // Another instance suspends a client while this one hears nothing.
    engine.muteWatch();
    await engine.write([touch('client:other#suspended@organization:demo')], []);
    engine.endWatch();
    clock.advance(200);
    await until(() => told.includes('other'));
    assert.equal(decisions.isSuspended(vendor), true, 'SpiceDB does not have it');
    assert.equal(decisions.isSuspended(principal('ana', { clientId: 'other' })), true);
  } finally {
    await decisions.stop();
    await real.close();
  }
});
