import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../kernel/errors.ts';
import { parseRelation } from './relations-text.ts';
import { validateChange, validateFilter } from './relations-words.ts';
import { schemaWords } from './spicedb/schema.ts';

const words = schemaWords();
const NOW = Date.parse('2026-01-01T00:00:00Z');

test('the schema is read whole', () => {
  assert.deepEqual([...words.keys()].sort(), [
    'agent',
    'beat',
    'careteam',
    'client',
    'member',
    'moment',
    'organization',
    'practitioner',
    'session',
    'system',
    'user',
  ]);
  assert.deepEqual(words.get('member')?.relations.get('self'), [
    { type: 'user', expiration: 'allowed' },
  ]);
  assert.deepEqual(words.get('member')?.relations.get('emergency'), [
    { type: 'user', expiration: 'required' },
  ]);
  assert.deepEqual(words.get('session')?.relations.get('participant'), [
    { type: 'user', expiration: 'never' },
    { type: 'agent', expiration: 'never' },
  ]);
  assert.ok(words.get('practitioner')?.permissions.has('view_panel'));
});

for (const text of [
  'member:x#self@user:ana',
  'member:x#self@user:ana[expiration:2026-01-01T00:00:01Z]',
  'member:x#emergency@user:eve[expiration:2026-01-01T03:00:00.5+02:00]',
  'member:x#sensitive_consent@careteam:blue',
  'session:aaaaaaaaaaaaaaaaaaaaaaaaaa#participant@agent:assistant',
  'user:ana@example.org#agent_chat@agent:assistant[expiration:2027-01-01T00:00:00Z]',
]) {
  test(`takes ${text}`, () => {
    validateChange(words, { operation: 'touch', relationship: parseRelation(text) }, NOW);
  });
}

const REFUSED: readonly (readonly [text: string, naming: RegExp])[] = [
  ['planet:x#self@user:ana', /resource type "planet"/],
  ['system:relations#offset@beat:7', /resource type "system"/],
  ['member:x#owner@user:ana', /relation "owner"/],
  ['member:x#view_profile@user:ana', /relation "view_profile"/],
  ['member:x#self@agent:assistant', /subject type "agent"/],
  ['member:x#care_team@careteam:blue#clinician', /without a relation/],
  ['member:a/b#self@user:ana', /resource is not a valid id/],
  ['session:abc#participant@user:ana', /resource is not a valid id/],
  ['member:x#organization@organization:a=20b', /subject is not a valid id/],
  [`member:x#self@user:${'ä'.repeat(200)}`, /subject is not a valid id/],
  ['member:x#emergency@user:eve', /member#emergency needs an expiration/],
  [
    'organization:o#nurse@user:n[expiration:2027-01-01T00:00:00Z]',
    /organization#nurse cannot have an expiration/,
  ],
  ['member:x#self@user:ana[expiration:2026-01-01T00:00:00Z]', /has passed/],
  ['member:x#self@user:ana[expiration:2027-01-01]', /not an instant/],
  ['member:x#self@user:ana[expiration:2027-01-01T00:00:00]', /not an instant/],
  ['member:x#self@user:ana[expiration:2027-13-01T00:00:00Z]', /not an instant/],
];
for (const [text, naming] of REFUSED) {
  test(`refuses ${text.slice(0, 60)}, naming the part`, () => {
    const relationship = parseRelation(text);
    assert.throws(
      () => validateChange(words, { operation: 'touch', relationship }, NOW),
      (error) =>
        error instanceof Fault && error.code === 'INVALID_ARGUMENT' && naming.test(error.message),
    );
  });
}

test('a delete need not say the expiration', () => {
  const relationship = parseRelation('member:x#emergency@user:eve');
  validateChange(words, { operation: 'delete', relationship }, NOW);
});

test('a filter keeps to the words too', () => {
  validateFilter(words, { type: 'member', id: 'x', relation: 'self' });
  assert.throws(() => validateFilter(words, { type: 'system' }), Fault);
  assert.throws(() => validateFilter(words, { type: 'member', relation: 'chat' }), Fault);
});
