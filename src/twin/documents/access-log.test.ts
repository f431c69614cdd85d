import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRow, RowAgent, RowReceiver } from '../../contract/audit/row.ts';
import { accessLogData, accessLogSchema } from './access-log.ts';

const person = (subject: string, more: Partial<RowAgent> = {}): RowAgent => ({
  ...{ kind: 'user', subject, client: 'SECRET-CLIENT', tenant: 'demo', issuer: 'SECRET-ISSUER' },
  ...{ token: 'SECRET-TOKEN', scopes: 'SECRET-SCOPES', purpose: 'TREAT' },
  ...more,
});

interface Entry extends Partial<Omit<AuditRow, 'what'>> {
  readonly uris?: readonly string[];
}

function logOf({ uris = [], ...more }: Entry) {
  const row: AuditRow = {
    ...{ v: 2, at: '2026-02-01T00:00:00.000Z', action: 'read', outcome: 'success' },
    ...{ id: 'SECRET-CORRELATION', why: 'view_care at GhUK', what: uris.map((uri) => ({ uri })) },
    ...more,
  };
  const data = accessLogData('ana', [row], false);
  assert.ok(!JSON.stringify(data).includes('SECRET'));
  const [only] = accessLogSchema.parse({ ...data, completeUpTo: [] }).entries;
  assert.ok(only !== undefined);
  return only;
}

test('an entry says who, by which agent, what, when, by which right and for what purpose', () => {
  const entry = logOf({
    uris: ['mcp://twins/member/ana/care', 'mcp://twins/member/ana/clinical/Condition/c1'],
    who: person('eve', { actor: 'bot' }),
  });
  assert.deepEqual(entry, {
    when: '2026-02-01T00:00:00.000Z',
    who: 'user:eve',
    by: 'agent:bot',
    action: 'read',
    outcome: 'success',
    what: ['care', 'clinical/Condition/c1'],
    right: 'view_care',
    purpose: 'TREAT',
  });
});

test('B-TW-8: of what was about several members, only this one’s is told', () => {
  const entry = logOf({
    action: 'search',
    uris: ['mcp://twins/member/ben/care', 'mcp://twins/member/ana/care', 'member:ben'],
    who: person('eve'),
  });
  assert.deepEqual([entry.what, entry.who], [['care'], 'user:eve']);
});

test('receivers of a delivery are those who were told of this member', () => {
  const uris = ['mcp://twins/member/ana/care', 'mcp://twins/member/ben/care'];
  const to = (subject: string, ...told: number[]): RowReceiver => ({
    ...person(subject),
    stream: 'SECRET-STREAM',
    told,
  });
  const both = logOf({ action: 'notify', uris, to: [to('eve', 0), to('nia', 1), to('ina', 0, 1)] });
  assert.equal(both.who, 'user:eve, user:ina');
});

test('where a delivery does not say who was told of what, nobody is named', () => {
  const to = ['eve', 'nia'].map((subject) => ({ ...person(subject), stream: 's' }));
  const own = logOf({ action: 'notify', uris: ['mcp://twins/member/ana/care'], to });
  assert.equal(own.who, 'user:eve, user:nia');
  const uris = ['mcp://twins/member/ana/care', 'mcp://twins/member/ben/care'];
  assert.equal(logOf({ action: 'notify', uris, to }).who, 'subscribers of several members');
});

test('attempts that were refused are told, and who could not be verified is not named', () => {
  const refused = logOf({ outcome: 'denied', why: 'denied', who: person('ben') });
  assert.deepEqual([refused.outcome, refused.right], ['denied', 'denied']);
  assert.equal(logOf({ outcome: 'denied' }).who, 'nobody who could be verified');
});
