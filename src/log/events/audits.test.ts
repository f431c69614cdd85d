import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAudit, encodeAuditCheckpoint, encodeAuditRow } from './audits.ts';
import { encodeRelation } from './relations.ts';
import { Undecodable } from './undecodable.ts';

const id = fc.stringMatching(/^[a-z2-7]{26}$/);
const member = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,20}$/);
const time = fc.integer({ min: 1, max: 4_000_000_000_000 });

test('a row and a checkpoint come back as they were shipped', () => {
  const rows = fc.record({
    ...{ generation: id, instance: member, index: fc.integer({ min: 1, max: 2 ** 52 }), at: time },
    hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    body: fc.constantFrom('{"outcome":"success"}', '{"outcome":"denied"}', '{}'),
    members: fc.array(member, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(rows, (row) => {
      const message = encodeAuditRow(row);
      assert.deepEqual(decodeAudit(message), { row: { ...row } });
      const shown = row.body.includes('success') ? row.members[0] : undefined;
      assert.equal(message.key.toString(), shown ?? row.generation);
    }),
  );
  const checkpoint = {
    ...{ generation: 'g', instance: 'i', size: 7, at: '2026-03-01T00:00:00.000Z', note: 'a note' },
  };
  assert.deepEqual(decodeAudit(encodeAuditCheckpoint(checkpoint)), { checkpoint });
});

test('what is no audit event, or lacks a part, is told and not taken', () => {
  const change = { operation: 'touch', relationship: parsed } as const;
  const other = encodeRelation({
    change,
    eventId: 'e',
    actor: 'a',
    at: '2026-03-01T00:00:00.000Z',
  });
  assert.throws(() => decodeAudit(other), Undecodable);
  const row = { generation: 'g', instance: '', index: 1, at: 1, hash: new Uint8Array(32) };
  const without = encodeAuditRow({ ...row, body: '{}', members: [] });
  assert.throws(() => decodeAudit(without), /instance is missing/);
});

const parsed = {
  ...{ resource: { type: 'member', id: 'ana' }, relation: 'self' },
  subject: { type: 'user', id: 'ana' },
};
