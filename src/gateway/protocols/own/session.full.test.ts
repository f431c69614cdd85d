import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { dial, ofMember, realtime } from '../../../../test/support/realtime.ts';
import { gatewayRig } from '../../gateway.rig.ts';
import { callOf } from '../../streams/hub.rig.ts';

let rig: Awaited<ReturnType<typeof gatewayRig>>;
before(async () => {
  rig = await gatewayRig();
});
after(() => rig.stop());

const CALLS = { id: 's', topics: ['call-notifications'] };
const publish = (id: string, member = 'ana') =>
  rig.gateway.hub.publish(`member:${member}`, callOf(id, member), [id]);

test('B-GW-7: what a client asks for in a wrong way is an error with its id, and nothing else', async () => {
  const client = await realtime(rig, 'ana');
  const place = { epoch: 'e', offset: 1 };
  const wrong: [object, string][] = [
    [{ ...CALLS, filters: ofMember('ben') }, 'NOT_FOUND'],
    [{ ...CALLS, filters: ofMember('../x') }, 'NOT_FOUND'],
    [
      { ...CALLS, filters: { not: { not: { not: { not: ofMember('ana') } } } } },
      'INVALID_ARGUMENT',
    ],
    [{ ...CALLS, since: { 'member:ben': place } }, 'INVALID_ARGUMENT'],
    [
      { ...CALLS, filters: { field: 'member', in: ['ana', 'ben'] }, since: place },
      'INVALID_ARGUMENT',
    ],
    [{ type: 'unsubscribe', id: 's' }, 'NOT_FOUND'],
    [{ type: 'ack', stream: 'member:ana', ...place }, 'NOT_FOUND'],
    [{ type: 'presence', member: 'ben', action: 'join' }, 'NOT_FOUND'],
    [{ type: 'hello', token: 'ana' }, 'INVALID_REQUEST'],
  ];
  for (const [message, code] of wrong) {
    const from = client.heard.length;
    client.say({ type: 'subscribe', ...message });
    assert.equal((await client.hears('error', from)).code, code, JSON.stringify(message));
  }
  await client.subscribe(CALLS);
  const from = client.heard.length;
  client.say({ type: 'subscribe', ...CALLS });
  assert.deepEqual(await client.hears('error', from), {
    ...{ type: 'error', code: 'CONFLICT', id: 's' },
    message: 'There is a subscription of this id.',
  });
  client.say({ type: 'unsubscribe', id: 's' });
  assert.equal((await client.hears('unsubscribed')).reason, 'asked');
  await publish('nobody');
  client.say({ type: 'ping' });
  await client.hears('pong');
  assert.deepEqual(client.events, []);
  client.close();
});

test('B-GW-4: two subscriptions of one connection are told each of its own', async () => {
  const client = await realtime(rig, 'ana');
  await client.subscribe(CALLS);
  await client.subscribe({
    ...CALLS,
    id: 'ended',
    filters: { and: [ofMember('ana'), { field: 'type', eq: 'call.ended' }] },
  });
  await publish('two');
  await client.until(() => client.events.length > 0);
  client.say({ type: 'ack', ...pick(client.events[0]) });
  client.say({ type: 'ping' });
  await client.hears('pong');
  assert.deepEqual(
    client.events.map(({ id, subscription }) => [id, subscription]),
    [['two', 's']],
  );
  assert.ok(!client.heard.some(({ type }) => type === 'error'));
  client.close();
});

test('B-GW-6: T15 without the scope nothing is subscribed; a token without it ends what was', async () => {
  const without = await realtime(rig, 'ana~none');
  without.say({ type: 'subscribe', ...CALLS });
  assert.equal((await without.hears('error')).code, 'INSUFFICIENT_SCOPE');
  const client = await realtime(rig, 'ana');
  await client.subscribe(CALLS);
  client.say({ type: 'refresh', token: 'ana~none' });
  await client.hears('refreshed');
  assert.equal((await client.hears('unsubscribed')).reason, 'revoked');
  await publish('scope');
  client.say({ type: 'refresh', token: 'ana' });
  client.say({ type: 'ping' });
  await client.hears('pong');
  assert.deepEqual(client.events, []);
  for (const { socket } of [without, client]) socket.close();
});

test('B-GW-6: T15 several refreshes at once, and one while it ends, leave one living connection', async () => {
  const client = await realtime(rig, 'ana~twin:subscribe~1');
  await client.subscribe(CALLS);
  for (let n = 0; n < 5; n += 1) client.say({ type: 'refresh', token: 'ana~twin:subscribe~60' });
  await client.until(() => client.heard.filter(({ type }) => type === 'refreshed').length === 5);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  await publish('refreshed');
  await client.until(() => client.events.length === 1);
  assert.equal(client.closed, undefined);
  client.close();
});

test('B-GW-7: past its messages a client is sent away, and past its connections one is not let in', async () => {
  const loud = await realtime(rig, 'loud');
  for (let n = 0; n < 300; n += 1) loud.say({ type: 'ping' });
  await loud.until(() => loud.closed === 4429);
  const many = Array.from({ length: 65 }, () => dial(rig, 'many'));
  await many[0]?.until(() => many.some(({ closed }) => closed === 4429));
  const open = () => many.filter(({ closed }) => closed === undefined);
  await many[0]?.until(() => open().every(({ heard }) => heard.length > 0));
  assert.equal(open().length, 64);
  for (const { socket } of many) socket.close();
});

test('P5: what was asked for, and what was told, is in the audit, with who', () => {
  const told = rig.audited.filter(({ action }) => action === 'notify');
  assert.ok(told.length > 0);
  assert.ok(
    told.every(({ receivers }) => receivers?.every(({ principal }) => principal.subject === 'ana')),
  );
  const outcomes = new Set(
    rig.audited.filter(({ action }) => action === 'subscribe').map(({ outcome }) => outcome),
  );
  assert.deepEqual(outcomes, new Set(['success', 'denied']));
});

function pick(frame: { stream: string; epoch: string; offset: number } | undefined) {
  assert.ok(frame);
  const { stream, epoch, offset } = frame;
  return { stream, epoch, offset };
}
