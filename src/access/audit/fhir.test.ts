import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditRow, RowAgent } from '../../contract/audit/row.ts';
import { balpFaults } from './balp.rig.ts';
import { eventsOf } from './fhir.ts';

const ana: RowAgent = {
  ...{ kind: 'user', subject: 'ana', client: 'app', tenant: 'demo', issuer: 'https://issuer' },
  ...{ token: 't1', scopes: 'twin:read' },
};
const care = { uri: 'mcp://twins/member/ana/care', etag: '"e"', variant: 'general' };
const ben = { uri: 'mcp://twins/member/ben/profile' };

function rendered(row: Partial<AuditRow>) {
  const whole: AuditRow = {
    ...{ v: 2, at: '2026-03-01T00:00:00.000Z', action: 'read', outcome: 'success', id: 'c1' },
    ...{ what: [], why: 'view_care at r1', who: ana },
    ...row,
  };
  const events = eventsOf({ generation: 'g'.repeat(26), instance: 'i1', index: 7, row: whole });
  for (const event of events) assert.deepEqual(balpFaults(event), [], JSON.stringify(event));
  return events;
}

const shapesOf = (events: readonly Readonly<Record<string, unknown>>[]) =>
  events.map(({ meta }) => {
    const { profile: [shape = ''] = [] } = (meta ?? {}) as { profile?: string[] };
    return shape.split('.').at(-1);
  });

test('B-AD-5: a read is a PatientRead of that document, with the token that was used', () => {
  const [event] = rendered({ what: [care], who: { ...ana, actor: 'bot', purpose: 'TREAT' } });
  const text = JSON.stringify(event);
  assert.deepEqual(shapesOf([event ?? {}]), ['PatientRead']);
  for (const part of [
    'IHE.BasicAudit.OAUTHaccessTokenUse.Comprehensive',
    'urn:ietf:params:oauth:jti:t1',
    '"code":"TREAT"',
    '"value":"bot"',
    'Patient/ana',
    '"id":"gggggggggggggggggggggggggg-7"',
  ]) {
    assert.ok(text.includes(part), part);
  }
});

test('B-AD-5: a query is one event for each person whom it showed, or one without a person', () => {
  const both = rendered({ action: 'search', what: [care, ben] });
  assert.deepEqual(shapesOf(both), ['PatientQuery', 'PatientQuery']);
  assert.deepEqual(shapesOf(rendered({ action: 'search' })), ['Query']);
});

test('B-AD-5: a delivery is one event for each who was told, of each document', () => {
  const to = [
    { ...ana, stream: 's1', told: [0] },
    { ...ana, subject: 'eve', stream: 's2' },
  ];
  const { who: _, ...row } = { who: ana, action: 'notify', what: [care, ben], to };
  const events = rendered({ ...row, who: undefined as never });
  assert.equal(events.length, 3);
  assert.equal(events.filter((event) => JSON.stringify(event).includes('"eve"')).length, 2);
});

test('B-AD-5: a denial is a Security Alert, about a member an AuthZconsent', () => {
  const [alert] = rendered({ outcome: 'denied', what: [care] });
  assert.deepEqual(shapesOf([alert ?? {}]), ['AuthZconsent']);
  assert.match(JSON.stringify(alert), /"code":"110113"/);
  const raw = rendered({ outcome: 'denied', what: [{ uri: 'mcp://twins/../x' }] });
  assert.match(JSON.stringify(raw), /"code":"110113"/);
});

test('B-AD-5: any row is rendered as AuditEvents that are whole', () => {
  const object = fc.record({
    uri: fc.constantFrom(care.uri, ben.uri, 'member:ana', 'flag:x', 'mcp://twins/changes/now', ''),
  });
  const rows = fc.record({
    action: fc.constantFrom(
      ...['read', 'list', 'search', 'chat', 'subscribe', 'notify', 'changes', 'import', 'find'],
      ...['relations', 'flags', 'token', 'session', 'audit', 'authentication', 'opened', 'clock'],
    ),
    outcome: fc.constantFrom('success', 'denied', 'failed'),
    what: fc.array(object, { maxLength: 3 }),
    known: fc.boolean(),
    why: fc.string({ minLength: 1, maxLength: 20 }),
  });
  fc.assert(
    fc.property(rows, ({ known, outcome, ...row }) => {
      const who = known ? ana : undefined;
      const events = rendered({ ...row, outcome: outcome as 'success', who: who as never });
      assert.ok(events.length > 0);
    }),
  );
});

test('the rules find what is wrong', () => {
  const [event] = rendered({ what: [care] });
  assert.notDeepEqual(balpFaults({ ...event, outcome: '1' }), []);
  assert.notDeepEqual(balpFaults({ ...event, agent: [] }), []);
  assert.notDeepEqual(balpFaults({ ...event, entity: [] }), []);
  assert.notDeepEqual(balpFaults({ ...event, made: 'up' }), []);
});
