import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Fault } from '../kernel/errors.ts';
import { parseRelation, printRelation, relationKey } from './relations-text.ts';

test('reads the forms that people write', () => {
  assert.deepEqual(parseRelation('member:x#self@user:ana'), {
    resource: { type: 'member', id: 'x' },
    relation: 'self',
    subject: { type: 'user', id: 'ana' },
  });
  assert.deepEqual(parseRelation('member:x#care_team@careteam:blue#clinician').subject, {
    type: 'careteam',
    id: 'blue',
    relation: 'clinician',
  });
  const ending = parseRelation('member:x#emergency@user:eve[expiration:2026-01-01T00:00:00Z]');
  assert.equal(ending.expiresAt, '2026-01-01T00:00:00Z');
  assert.equal(parseRelation('member:x#self@user:ana@example.org').subject.id, 'ana@example.org');
  assert.equal(parseRelation('user:a@b.org#agent_all@agent:x').resource.id, 'a@b.org');
});

for (const text of [
  '',
  'member:x',
  'member:x#self',
  'member:x#self@user',
  'member:x#self@user:',
  'member:#self@user:ana',
  'member#self@user:ana',
  'Member:x#self@user:ana',
  ' member:x#self@user:ana',
  'member:x#self@user:ana ',
  'member:x#self@user:ana#',
  'member:x#self@user:ana[expiration:]',
  'member:x#self@user:ana[expires:2026-01-01T00:00:00Z]',
  'member:x#self@user:ana\nmember:y#self@user:ana',
  `member:x#self@user:${'a'.repeat(3_000)}`,
]) {
  test(`refuses ${JSON.stringify(text.slice(0, 60))}`, () => {
    assert.throws(
      () => parseRelation(text),
      (error) => error instanceof Fault && error.code === 'INVALID_ARGUMENT',
    );
  });
}

test('whatever is printed is read back the same', () => {
  const id = fc
    .string({ minLength: 1, maxLength: 40, unit: 'binary' })
    .filter((text) => text.isWellFormed());
  const relationship = fc.record(
    {
      resource: fc.record({ type: fc.constant('user'), id }),
      relation: fc.constantFrom('self', 'agent_all'),
      subject: fc.record(
        { type: fc.constant('agent'), id, relation: fc.constant('clinician') },
        { requiredKeys: ['type', 'id'] },
      ),
      expiresAt: fc.constant('2026-01-01T00:00:00.000Z'),
    },
    { requiredKeys: ['resource', 'relation', 'subject'] },
  );
  fc.assert(
    fc.property(relationship, (one) => {
      assert.deepEqual(parseRelation(printRelation(one)), JSON.parse(JSON.stringify(one)));
    }),
  );
});

test('the key of a relationship leaves its expiration out', () => {
  const plain = parseRelation('member:x#self@user:ana');
  assert.equal(relationKey({ ...plain, expiresAt: '2026-01-01T00:00:00Z' }), relationKey(plain));
});
