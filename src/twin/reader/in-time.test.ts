import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../kernel/errors.ts';
import type { AuditEntry } from '../ports.ts';
import { inTime } from './in-time.ts';

const entry = (outcome: AuditEntry['outcome']): AuditEntry => ({
  ...{ action: 'read', outcome, correlationId: 'c', what: [], why: 'test' },
});

function auditThatTakes(ms: number) {
  let atMs = 0;
  const append = async (): Promise<void> => {
    atMs += ms;
  };
  return inTime({ append }, { monotonic: () => atMs });
}

test('P1: a record that came too late for its decision shows nothing', async () => {
  await assert.rejects(
    auditThatTakes(1_001).append(entry('success')),
    (error: unknown) => error instanceof Fault && error.code === 'AUDIT_UNAVAILABLE',
  );
});

test('a record in time is shown, and a refusal stays what it is', async () => {
  await auditThatTakes(1_000).append(entry('success'));
  await auditThatTakes(4_000).append(entry('denied'));
});
