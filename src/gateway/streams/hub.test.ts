import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AccessChange } from '../../twin/ports.ts';
import { callOf, careOf, ear, hubRig, principalOf } from './hub.rig.ts';

const ANA = principalOf('ana');
const STREAM = 'member:ana';
const NONE = new Map<string, never>();

async function publish(rig: ReturnType<typeof hubRig>, ...ids: string[]): Promise<void> {
  for (const id of ids) await rig.hub.publish(STREAM, callOf(id, 'ana'), [id]);
}

test('B-GW-4: T18 whatever messages are lost, everything is told, once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), async (lost) => {
      const rig = hubRig();
      await rig.hub.start();
      const listener = ear(ANA);
      await rig.hub.subscribe(listener, [STREAM], NONE, () => undefined);
      let next = 0;
      rig.loses.next = () => lost[next++] === true;
      const ids = lost.map((_, n) => `e${n}`);
      for (const id of ids) {
        await publish(rig, id);
        if (next % 3 === 0) await new Promise(setImmediate);
      }
      await rig.hub.look(0);
      await rig.settled();
      await rig.hub.stop();
      assert.deepEqual(listener.ids, ids);
    }),
    { numRuns: 40 },
  );
});

test('B-GW-2: T13 what comes while a subscription begins is neither lost nor told twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(6), fc.nat(6), fc.nat(12), async (before, during, turns) => {
      const rig = hubRig();
      await rig.hub.start();
      const since = await rig.log.read(STREAM);
      const ids = Array.from({ length: before + during + 1 }, (_, n) => `e${n}`);
      await publish(rig, ...ids.slice(0, before));
      const listener = ear(ANA);
      const places = new Map([[STREAM, since]]);
      const begins = rig.hub.subscribe(listener, [STREAM], places, () => undefined);
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      await publish(rig, ...ids.slice(before, before + during));
      await begins;
      await publish(rig, ...ids.slice(before + during));
      await rig.settled();
      await rig.hub.stop();
      assert.deepEqual(listener.ids, ids);
    }),
    { numRuns: 60 },
  );
});

test('B-GW-3: T18 where the stream begins anew while connected, that is said, and then what comes', async () => {
  const rig = hubRig();
  await rig.hub.start();
  const listener = ear(ANA);
  await rig.hub.subscribe(listener, [STREAM], NONE, () => undefined);
  await publish(rig, 'e1');
  await rig.settled();
  await rig.log.renew(STREAM);
  await rig.hub.look(0);
  await rig.settled();
  await publish(rig, 'e2');
  await rig.settled();
  assert.deepEqual(listener.ids, ['e1', 'e2']);
  assert.deepEqual(
    listener.gaps.map((gap) => 'reason' in gap && gap.reason),
    ['epoch_changed'],
  );
  await rig.hub.stop();
});

test('B-GW-5: rights are asked at subscribing, at each delivery, and at replay', async () => {
  const rig = hubRig();
  await rig.hub.start();
  const since = await rig.log.read(STREAM);
  await publish(rig, 'e1');
  const denied = ear(principalOf('ben'));
  rig.rules.may = ({ subject }) => subject === 'ana';
  const started: unknown[] = [];
  await rig.hub.subscribe(denied, [STREAM], NONE, (all) => started.push(...all));
  assert.deepEqual(started, [{ stream: STREAM, start: 'denied' }]);
  const listener = ear(ANA);
  rig.rules.may = () => true;
  const begins = rig.hub.subscribe(listener, [STREAM], new Map([[STREAM, since]]), () => {
    rig.rules.may = () => false;
  });
  await begins;
  await publish(rig, 'e2');
  await rig.settled();
  assert.deepEqual([listener.ids, denied.ids, rig.deliveries], [[], [], []]);
  await rig.hub.stop();
});

const CHANGES: readonly AccessChange[] = [
  { kind: 'objects', objects: [{ type: 'member', id: 'ana' }] },
  { kind: 'everything' },
  { kind: 'token', tokenId: ANA.tokenId },
  { kind: 'client', tenant: 'demo', client: 'test' },
];

for (const change of CHANGES) {
  test(`B-GW-5: T15 a change of access (${change.kind}) ends what may no longer be known`, async () => {
    const rig = hubRig();
    await rig.hub.start();
    const listener = ear(ANA);
    await rig.hub.subscribe(listener, [STREAM], NONE, () => undefined);
    rig.rules.may = () => false;
    rig.accessChanged(change);
    await rig.settled();
    assert.deepEqual(listener.revocations, [STREAM]);
    rig.rules.may = () => true;
    await publish(rig, 'e1');
    await rig.settled();
    assert.deepEqual(listener.ids, []);
    await rig.hub.stop();
  });
}

test('B-GW-5: a right that goes while the audit is written lets no byte out', async () => {
  const rig = hubRig();
  await rig.hub.start();
  const listener = ear(ANA);
  await rig.hub.subscribe(listener, [STREAM], NONE, () => undefined);
  const { connection } = listener;
  const told = rig.deliveries.push.bind(rig.deliveries);
  rig.deliveries.push = (...all) => {
    rig.rules.may = () => false;
    rig.accessChanged({ kind: 'objects', objects: [{ type: 'member', id: 'ana' }] });
    return told(...all);
  };
  await publish(rig, 'e1');
  await rig.settled();
  assert.equal(rig.deliveries.length, 1);
  assert.deepEqual((connection as unknown as { sent: unknown[] }).sent, []);
  await rig.hub.stop();
});

test('P6: where rights cannot be asked nothing is told, and the connection comes again', async () => {
  const rig = hubRig();
  await rig.hub.start();
  const listener = ear(ANA);
  await rig.hub.subscribe(listener, [STREAM], NONE, () => undefined);
  rig.rules.fails = true;
  await publish(rig, 'e1');
  await rig.settled();
  assert.deepEqual([listener.ids, listener.unverified.count], [[], 1]);
  await rig.hub.stop();
});

test('B-GW-4: what must not be told any more is not', async () => {
  const rig = hubRig();
  await rig.hub.start();
  const listener = ear(ANA);
  await rig.hub.subscribe(listener, [STREAM], NONE, () => undefined);
  const past = new Date(Date.now() - 1).toISOString();
  await rig.hub.publish(STREAM, callOf('late', 'ana', { validUntil: past }), ['late']);
  await publish(rig, 'e1');
  await rig.settled();
  assert.deepEqual(listener.ids, ['e1']);
  assert.deepEqual(
    rig.withheld.map(({ principal, event }) => [principal.subject, event.id]),
    [['ana', 'late']],
  );
  await rig.hub.stop();
});

test('B-GW-63: T17 who comes back after 90 s hears that the call is over, and it does not ring', async () => {
  const rig = hubRig();
  await rig.hub.start();
  const since = new Map([[STREAM, await rig.log.read(STREAM)]]);
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
  await rig.hub.publish(STREAM, callOf('join', 'ana', { time: ago(90) }), ['join']);
  const ended = callOf('ended', 'ana', { type: 'call.ended', time: ago(85) });
  await rig.hub.publish(STREAM, ended, ['ended']);
  const foreign = callOf('foreign', 'ana', { tenant: 'other', time: ago(90) });
  await rig.hub.publish(STREAM, foreign, ['foreign']);
  const listener = ear(ANA);
  await rig.hub.subscribe(listener, [STREAM], since, () => undefined);
  await rig.settled();
  assert.deepEqual(listener.ids, ['ended']);
  assert.deepEqual(
    rig.withheld.map(({ principal, event }) => [principal.subject, event.id]),
    [['ana', 'join']],
    'and who may not know it is not said to have missed it',
  );
  await rig.hub.stop();
});

test('B-GW-5: T19 of a thousand members each is told of their own, whatever they ask for', async () => {
  const rig = hubRig();
  await rig.hub.start();
  const members = Array.from({ length: 1_000 }, (_, n) => `m${n}`);
  const tenantOf = (member: string) => (Number(member.slice(1)) % 2 === 0 ? 'demo' : 'other');
  rig.rules.may = ({ subject }, uri) => uri === careOf(subject);
  const seed = Date.now() % 2 ** 31;
  const pick = fc.sample(fc.nat(999), { seed, numRuns: 3_000 });
  const ears = await Promise.all(
    members.map(async (member, index) => {
      const listener = ear(principalOf(member, { tenant: tenantOf(member) }));
      const asked = [member, `m${pick[index]}`, `m${pick[index + 1_000]}`];
      const streams = [...new Set(asked)].map((id) => `member:${id}`);
      const since = new Map(
        await Promise.all(
          streams.map(async (stream) => [stream, await rig.log.read(stream)] as const),
        ),
      );
      await rig.hub.subscribe(listener, streams, since, () => undefined);
      return { listener, member };
    }),
  );
  for (const member of members) {
    const own = callOf(`own-${member}`, member, { tenant: tenantOf(member) });
    // Of the same name in another tenant: nobody's, whatever the rights would say.
    const foreign = callOf(`foreign-${member}`, member, { tenant: 'third' });
    await rig.hub.publish(`member:${member}`, own, []);
    await rig.hub.publish(`member:${member}`, foreign, []);
  }
  await rig.settled();
  for (const { listener, member } of ears) {
    assert.deepEqual(listener.ids, [`own-${member}`], `seed ${seed}`);
  }
  await rig.hub.stop();
});
