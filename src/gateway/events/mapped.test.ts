import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { EVENTS, eventOfType } from '../../contract/events/catalog.ts';
import type { ViewChange } from '../../twin/ports.ts';
import { changeRouted, GATEWAY_TOPICS, routed } from './mapped.ts';

const SESSION = 'mfrggzdfmztwq2lknnwg23tpob';
const HEADER = {
  ...{ id: 'e1', tenant: 'demo', member: 'ana', time: '2026-01-01T00:00:00Z' },
  correlationId: 'correlation',
};

/** The event with everything in it that its kind may have. */
function whole(type: string) {
  const kind = eventOfType(type);
  assert.ok(kind);
  const fields: Record<string, unknown> = {
    header: { ...HEADER, type },
    provenance: { source: 'payer', actor: 'somebody' },
    ...{ member: 'ana', session: SESSION, uri: 'mcp://twins/member/ana/coverage' },
    document: 'mcp://twins/member/ana/coverage',
    ...{ variant: 'VARIANT_FULL', position: { epoch: 'abcdefgh', partition: 3, offset: '7' } },
    ...{ data: Buffer.from('{"b": 1}').toString('base64'), callId: 'c', accountId: 'a-1' },
  };
  const known = new Set(kind.schema.fields.map(({ jsonName }) => jsonName));
  const own = Object.fromEntries(Object.entries(fields).filter(([name]) => known.has(name)));
  return routed(type, fromJson(kind.schema, own as JsonValue));
}

test('B-GW-5: every event of the topics goes to its member’s stream, and needs a right of theirs', () => {
  const types = EVENTS.filter(({ topic = '' }) => GATEWAY_TOPICS.includes(topic));
  assert.ok(types.length >= 20);
  for (const { type, topic } of types) {
    const found = whole(type);
    assert.ok(found, type);
    const { streams, event } = found;
    const ofSession = topic === 'sessions.session.lifecycle';
    assert.deepEqual(streams, ofSession ? ['member:ana', `session:${SESSION}`] : ['member:ana']);
    const needs = ofSession
      ? /^mcp:\/\/sessions\//
      : /^mcp:\/\/twins\/member\/ana\/(care|coverage)$/;
    assert.match(event.needs ?? '', needs, type);
    assert.deepEqual([event.id, event.tenant, event.member], ['e1', 'demo', 'ana']);
  }
});

test('B-GW-9: of what an event says, nothing names the variant, who sent it, or a correlation', () => {
  for (const { type, topic = '' } of EVENTS) {
    if (!GATEWAY_TOPICS.includes(topic)) continue;
    const said = JSON.stringify(whole(type)?.event.data ?? {});
    assert.doesNotMatch(said, /variant|VARIANT|somebody|correlation|payer/i, type);
  }
});

test('B-GW-10: what a backend said for the apps is kept as it said it', () => {
  const event = whole('call.join')?.event;
  assert.deepEqual(
    [event?.raw, event?.data?.data, event?.account],
    ['{"b": 1}', '{"b": 1}', 'a-1'],
  );
});

test('an event without header, member or a canonical URI concerns nobody', () => {
  const join = eventOfType('call.join')?.schema;
  const updated = eventOfType('twins.resource-updated')?.schema;
  assert.ok(join && updated);
  assert.equal(routed('call.join', create(join)), undefined);
  const nobody = fromJson(join, { header: { ...HEADER, member: '../' }, member: '' });
  assert.equal(routed('call.join', nobody), undefined);
  const elsewhere = fromJson(updated, { header: HEADER, member: 'ana', uri: 'mcp://twins/../x' });
  assert.equal(routed('twins.resource-updated', elsewhere), undefined);
  assert.equal(routed('audit.record', create(join)), undefined);
});

test('a change of the view is an event of its subject; a practitioner has no stream', () => {
  const change: ViewChange = {
    uri: 'mcp://twins/member/ana/care',
    tenant: 'demo',
    subject: { kind: 'member', id: 'ana' },
    section: 'care',
    variant: 'full',
    etag: '"x"',
    kind: 'deleted',
    place: { partition: 1, offset: 2 },
    at: 0,
  };
  const found = changeRouted(change, 'abcdefgh');
  assert.deepEqual(found?.streams, ['member:ana']);
  assert.deepEqual(found.event.data, { member: 'ana', etag: '"x"', deleted: true });
  assert.equal(found.event.type, 'twins.resource-updated');
  assert.match(found.event.id, /^[a-z2-7]{26}$/, 'it names neither variant nor offset');
  const doctor = { ...change, subject: { kind: 'practitioner' as const, id: 'eve' } };
  assert.equal(changeRouted(doctor, 'abcdefgh'), undefined);
});
