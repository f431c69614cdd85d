import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessLogData, accessLogSchema } from './access-log.ts';

interface Entry {
  readonly code?: string;
  readonly outcome?: string;
  readonly why?: string;
  readonly uris?: readonly string[];
  readonly agents?: readonly Record<string, unknown>[];
}

const agent = (type: string, value: string, more: Record<string, unknown> = {}) => ({
  type: { text: type },
  who: { identifier: { system: 'https://issuer', value } },
  policy: ['urn:ietf:params:oauth:jti:SECRET'],
  ...more,
});

function logOf(entry: Entry) {
  const { code = 'read', outcome = '0', why = 'view_care at GhUK', uris = [], agents = [] } = entry;
  const record = {
    recorded: '2026-02-01T00:00:00.000Z',
    subtype: [{ code }],
    outcome,
    outcomeDesc: why,
    purposeOfEvent: [{ coding: [{ code: 'TREAT' }] }],
    agent: agents,
    source: { site: 'SECRET-HOST' },
    entity: [
      { what: { reference: 'Patient/ana' } },
      ...uris.map((value) => ({ what: { identifier: { value } } })),
      { what: { identifier: { value: 'SECRET-CORRELATION' } } },
    ],
  };
  const data = accessLogData('ana', [{ seq: 1, record }], false);
  assert.ok(!JSON.stringify(data).includes('SECRET'));
  const [only] = accessLogSchema.parse(data).entries;
  assert.ok(only !== undefined);
  return only;
}

test('an entry says who, by which agent, what, when, by which right and for what purpose', () => {
  const entry = logOf({
    uris: ['mcp://twins/member/ana/care', 'mcp://twins/member/ana/clinical/Condition/c1'],
    agents: [agent('user', 'eve'), agent('client', 'app'), agent('agent acting for user', 'bot')],
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
    code: 'search',
    uris: ['mcp://twins/member/ben/care', 'mcp://twins/member/ana/care', 'member:ben'],
    agents: [agent('user', 'eve')],
  });
  assert.deepEqual([entry.what, entry.who], [['care'], 'user:eve']);
});

test('receivers of a delivery are named only where all of it was about this member', () => {
  const receivers = [agent('user', 'eve', { altId: 's1' }), agent('user', 'nia', { altId: 's2' })];
  const own = logOf({ code: 'notify', uris: ['mcp://twins/member/ana/care'], agents: receivers });
  assert.equal(own.who, 'user:eve, user:nia');
  const uris = ['mcp://twins/member/ana/care', 'mcp://twins/member/ben/care'];
  const mixed = logOf({ code: 'notify', uris, agents: receivers });
  assert.equal(mixed.who, 'subscribers of several members');
});

test('attempts that were refused are told, and who could not be verified is not named', () => {
  const refused = logOf({ outcome: '4', why: 'denied', agents: [agent('user', 'ben')] });
  assert.deepEqual([refused.outcome, refused.right], ['denied', 'denied']);
  assert.equal(logOf({ outcome: '4' }).who, 'nobody who could be verified');
});

test('any record is read without a fault', () => {
  for (const record of [{}, { agent: 7, entity: 'x', outcome: [] }, { entity: [{ what: null }] }]) {
    assert.ok(accessLogSchema.safeParse(accessLogData('ana', [{ seq: 1, record }], true)).success);
  }
});
