import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endsAllOf } from '../twin/principals.ts';
import { principal, remove, touch } from './decisions.rig.ts';
import { Suspensions, suspendedBy } from './decisions-suspended.ts';
import { parseRelation, relationKey } from './relations-text.ts';

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
