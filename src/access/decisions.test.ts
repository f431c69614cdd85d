import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, test } from 'node:test';
import { Fault } from '../kernel/errors.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { AccessChange, CheckItem, Principal } from '../twin/ports.ts';
import { ManualClock, principal, RiggedEngine, remove, touch, until } from './decisions.rig.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { mark } from './spicedb/bookkeeping.ts';
import { startEmbeddedEngine } from './spicedb/embedded.ts';

const real = startEmbeddedEngine();
after(() => real.close());

let clock: ManualClock;
let engine: RiggedEngine;
let decisions: Decisions;
let changes: AccessChange[];
let number = 0;

beforeEach(async () => {
  number++;
  clock = new ManualClock();
  engine = new RiggedEngine(real);
  decisions = createDecisions({ engine, clock });
  await decisions.start();
  changes = [];
  decisions.onChange((change) => changes.push(change));
});
afterEach(() => decisions.stop());

/** Names of this test's own: all tests share one engine. */
function own(text: string): string {
  return text.replaceAll('~', `-${number}`);
}

function item(object: string, permission = 'view_care'): CheckItem {
  const [type = '', id = ''] = own(object).split(':');
  return { permission, object: { type, id } };
}

async function allowed(who: Principal | string, ...items: CheckItem[]): Promise<boolean[]> {
  const asking = typeof who === 'string' ? principal(own(who)) : who;
  return (await decisions.check(asking, items)).map((decision) => decision.allowed);
}

let beats = 0;
/** What the relations writer does twice a second; returns once Watch has told of it. */
async function beat(): Promise<void> {
  beats = Math.max(beats + 1, clock.now());
  await real.write([{ operation: 'touch', relationship: mark('heartbeat', beats) }]);
  await until(() => decisions.sure);
}

/** Somebody else's writer commits this; returns once Watch has told of it. */
async function elsewhere(...texts: string[]): Promise<void> {
  const told = changes.length;
  await real.write(texts.map((text) => toChange(own(text))));
  await until(() => changes.length > told);
}

function toChange(text: string) {
  return text.startsWith('-') ? remove(text.slice(1)) : touch(text);
}

test('allows by the relations and denies everything else', async () => {
  await elsewhere('member:m~#self@user:ana~');
  const items = [item('member:m~'), item('member:other~'), item('member:m~', 'no_such')];
  assert.deepEqual(await allowed('ana~', ...items), [true, false, false]);
  assert.deepEqual(await allowed('ben~', ...items), [false, false, false]);
  assert.deepEqual(await allowed('ana~'), []);
  const [decision] = await decisions.check(principal(own('ana~')), [item('member:m~')]);
  assert.ok((decision?.revision.length ?? 0) > 0);
});

test('answers the same question from the cache, at most two seconds', async () => {
  await elsewhere('member:m~#self@user:ana~');
  await beat();
  assert.deepEqual(await allowed('ana~', item('member:m~')), [true]);
  const asked = engine.asked.length;
  assert.deepEqual(await allowed('ana~', item('member:m~')), [true]);
  assert.equal(engine.asked.length, asked);
  for (let passedMs = 0; passedMs <= LIMITS.decisionTtlMs; passedMs += 500) {
    clock.advance(500);
    await beat();
  }
  assert.deepEqual(await allowed('ana~', item('member:m~')), [true]);
  assert.equal(engine.asked.length, asked + 1);
});

test('B-AC-3: a change that Watch tells of kills the cached answers it touches, and no others', async () => {
  await elsewhere('member:m~#self@user:ana~', 'member:n~#self@user:ana~');
  await beat();
  assert.deepEqual(await allowed('ana~', item('member:m~'), item('member:n~')), [true, true]);
  await elsewhere('-member:m~#self@user:ana~');
  assert.deepEqual(changes.at(-1), {
    kind: 'objects',
    objects: [{ type: 'member', id: own('m~') }],
  });
  const asked = engine.asked.length;
  assert.deepEqual(await allowed('ana~', item('member:n~')), [true]);
  assert.equal(engine.asked.length, asked);
  assert.deepEqual(await allowed('ana~', item('member:m~')), [false]);
});

for (const shared of [
  ['member:m~#care_team@careteam:t~', 'careteam:t~#clinician@user:eve~'],
  ['member:m~#organization@organization:o~', 'organization:o~#nurse@user:eve~'],
  ['member:m~#practitioner@practitioner:p~', 'practitioner:p~#self@user:eve~'],
]) {
  test(`a change of what members share kills everything: ${shared[1]}`, async () => {
    await elsewhere(...shared);
    await beat();
    assert.deepEqual(await allowed('eve~', item('member:m~')), [true]);
    await elsewhere(`-${shared[1]}`);
    assert.deepEqual(changes.at(-1), { kind: 'everything' });
    assert.deepEqual(await allowed('eve~', item('member:m~')), [false]);
  });
}

test("a member's change reaches the sessions about the member", async () => {
  await elsewhere('session:s~#member@member:m~', 'member:m~#delegate@user:ana~');
  await beat();
  assert.deepEqual(await allowed('ana~', item('session:s~', 'view')), [true]);
  await elsewhere('-member:m~#delegate@user:ana~');
  assert.deepEqual(await allowed('ana~', item('session:s~', 'view')), [false]);
  const session = { kind: 'objects', objects: [{ type: 'session', id: own('s~') }] };
  await until(() => changes.some((one) => JSON.stringify(one) === JSON.stringify(session)));
});

test('a check that a change overtakes is asked again, and fills no cache with the old', async () => {
  await elsewhere('member:m~#self@user:ana~');
  await beat();
  engine.beforeAnswer = () => elsewhere('-member:m~#self@user:ana~');
  assert.deepEqual(await allowed('ana~', item('member:m~')), [false]);
  assert.deepEqual(await allowed('ana~', item('member:m~')), [false]);
});

test('heartbeats are no changes', async () => {
  await beat();
  await beat();
  assert.deepEqual(changes, []);
});

test('without a heartbeat for a second: no cache, and fully consistent', async () => {
  await elsewhere('member:m~#self@user:ana~');
  await beat();
  await allowed('ana~', item('member:m~'));
  assert.equal(engine.asked.at(-1)?.consistency, 'at-least');
  engine.keepWatchBack();
  clock.advance(LIMITS.heartbeatSilenceMaxMs + 1);
  await real.write([remove(own('member:m~#self@user:ana~'))]);
  assert.deepEqual(await allowed('ana~', item('member:m~')), [false]);
  assert.equal(engine.asked.at(-1)?.consistency, 'full');
  const asked = engine.asked.length;
  await allowed('ana~', item('member:m~'));
  assert.equal(engine.asked.length, asked + 1);
  engine.releaseWatch();
});

test('heartbeats that come late are no sign of life', async () => {
  await beat();
  engine.keepWatchBack();
  const told = beats + 1;
  beats = told;
  await real.write([{ operation: 'touch', relationship: mark('heartbeat', told) }]);
  await until(() => engine.kept === 1);
  clock.advance(5_000);
  engine.releaseWatch();
  assert.equal(decisions.sure, false);
});

test('after an own write every check is fully consistent until Watch is past it', async () => {
  await beat();
  engine.keepWatchBack();
  const change = touch(own('member:m~#self@user:ana~'));
  await real.write([change, { operation: 'touch', relationship: mark('offset', 900 + number) }]);
  decisions.committed([change], 900 + number);
  assert.equal(decisions.sure, false);
  assert.deepEqual(await allowed('ana~', item('member:m~')), [true]);
  assert.equal(engine.asked.at(-1)?.consistency, 'full');
  const told = changes.length;
  await until(() => engine.kept === 1);
  engine.releaseWatch();
  assert.equal(decisions.sure, true);
  assert.equal(changes.length, told, 'what was told at the write is not told twice');
  await allowed('ana~', item('member:m~'));
  assert.equal(engine.asked.at(-1)?.consistency, 'at-least');
});

test('B-AC-4: at the instant of its expiration a grant is over, though SpiceDB allows it still', async () => {
  const until5s = new Date(clock.now() + 5_000).toISOString();
  await elsewhere(
    'session:s~#member@member:m~',
    `member:m~#delegate@user:ana~[expiration:${until5s}]`,
    'member:m~#self@user:ben~',
  );
  clock.advance(4_999);
  await beat();
  const items = [item('member:m~'), item('session:s~', 'view')];
  assert.deepEqual(await allowed('ana~', ...items), [true, true]);
  const told = changes.length;
  const ended: string[] = [];
  decisions.onExpired(() => ended.push('ended'));
  clock.advance(1);
  assert.deepEqual(await allowed('ana~', ...items), [false, false]);
  assert.deepEqual(await decisions.lookup(principal(own('ana~')), 'view_care', 'member'), []);
  assert.deepEqual(changes[told], { kind: 'objects', objects: [items[0]?.object] });
  assert.deepEqual(ended, ['ended']);
  assert.deepEqual(await allowed('ben~', ...items), [true, true]);
  const subject = { type: 'user', id: own('ana~') };
  const why = await decisions.explain(subject, 'view_care', { type: 'member', id: own('m~') });
  assert.equal(why.allowed, false);
});

test('what had an expiration before this instance started ends on time too', async () => {
  const soon = new Date(clock.now() + 5_000).toISOString();
  await elsewhere(`member:m~#delegate@user:ana~[expiration:${soon}]`);
  const second = createDecisions({ engine, clock });
  await second.start();
  const ask = () => second.check(principal(own('ana~')), [item('member:m~')]);
  assert.equal((await ask())[0]?.allowed, true);
  clock.advance(5_000);
  assert.equal((await ask())[0]?.allowed, false);
  await second.stop();
});

test('granted anew before or after its end, it is allowed again', async () => {
  const at = (ms: number) => new Date(clock.now() + ms).toISOString();
  await elsewhere(`member:m~#delegate@user:ana~[expiration:${at(1_000)}]`);
  await elsewhere(`member:m~#delegate@user:ana~[expiration:${at(3_000)}]`);
  clock.advance(2_000);
  assert.deepEqual(await allowed('ana~', item('member:m~')), [true]);
  clock.advance(2_000);
  assert.deepEqual(await allowed('ana~', item('member:m~')), [false]);
  await elsewhere('member:m~#delegate@user:ana~');
  assert.deepEqual(await allowed('ana~', item('member:m~')), [true]);
});

test('P6: SpiceDB away or slow: ACCESS_UNAVAILABLE, never allowed', async () => {
  await elsewhere('member:m~#self@user:ana~');
  const unavailable = (error: unknown) =>
    error instanceof Fault && error.code === 'ACCESS_UNAVAILABLE' && !/away/.test(error.message);
  engine.check_ = 'fails';
  await assert.rejects(allowed('ana~', item('member:m~')), unavailable);
  engine.check_ = 'hangs';
  const waiting = allowed('ana~', item('member:m~'));
  clock.advance(LIMITS.checkTimeoutMs);
  await assert.rejects(waiting, unavailable);
  engine.check_ = undefined;
  assert.deepEqual(await allowed('ana~', item('member:m~')), [true]);
});

test('B-AC-6: an agent needs both: the user may, and the user trusts it with this', async () => {
  await elsewhere('member:m~#self@user:ana~', 'user:ana~#agent_coverage@agent:assistant');
  const agent = principal(own('ana~'), { actor: 'assistant', tenant: own('o~') });
  const stranger = { ...agent, actor: 'stranger' };
  const coverage = item('member:m~', 'view_coverage');
  const clinical = item('member:m~', 'view_clinical');
  assert.deepEqual(await allowed(agent, coverage, clinical), [true, false]);
  assert.deepEqual(await allowed(stranger, coverage), [false]);
  assert.deepEqual(await allowed(agent, item('member:other~', 'view_coverage')), [false]);
  await elsewhere('-user:ana~#agent_coverage@agent:assistant');
  assert.deepEqual(await allowed(agent, coverage), [false]);
});

test('a policy of the tenant stands in for trust, but never for the most sensitive', async () => {
  await elsewhere('member:m~#self@user:ana~', 'organization:o~#agent_policy@agent:assistant');
  const agent = principal(own('ana~'), { actor: 'assistant', tenant: own('o~') });
  const items = ['view_clinical', 'view_sensitive', 'view_access_log', 'manage_trust'].map(
    (permission) => item('member:m~', permission),
  );
  assert.deepEqual(await allowed(agent, ...items), [true, false, false, false]);
  const elsewhereTenant = { ...agent, tenant: own('other~') };
  assert.deepEqual(await allowed(elsewhereTenant, ...items), [false, false, false, false]);
  await elsewhere('user:ana~#agent_all@agent:assistant');
  assert.deepEqual(await allowed(agent, ...items), [true, true, true, false]);
});

test('an agent without a person has its sessions, and nothing of a member', async () => {
  await elsewhere(
    'session:s~#participant@agent:assistant',
    'user:ana~#agent_all@agent:assistant',
    'member:m~#self@user:ana~',
    'member:n~#self@user:assistant',
  );
  const agent = principal('assistant', { kind: 'agent' });
  const items = [item('session:s~', 'view'), item('member:m~'), item('member:n~')];
  assert.deepEqual(await allowed(agent, ...items), [true, false, false]);
  assert.deepEqual(await decisions.lookup(agent, 'view_care', 'member'), []);
  const nested = { ...agent, actor: 'assistant' };
  assert.deepEqual(await allowed(nested, ...items), [false, false, false]);
});

test('looks up what the principal may, in order, and for an agent what it is trusted with', async () => {
  await elsewhere(
    'member:b~#self@user:ana~',
    'member:a~#delegate@user:ana~',
    'member:c~#emergency@user:ana~[expiration:2100-01-01T00:00:00Z]',
    'user:ana~#agent_chat@agent:assistant',
  );
  const ana = principal(own('ana~'));
  const ids = (names: string[]) => names.map(own);
  assert.deepEqual(await decisions.lookup(ana, 'view_care', 'member'), ids(['a~', 'b~', 'c~']));
  assert.deepEqual(await decisions.lookup(ana, 'chat', 'member'), ids(['a~', 'b~']));
  const agent = { ...ana, actor: 'assistant' };
  assert.deepEqual(await decisions.lookup(agent, 'chat', 'member'), ids(['a~', 'b~']));
  assert.deepEqual(await decisions.lookup(agent, 'view_care', 'member'), []);
});

test('P1: trust that ends while a look-up runs leaves the agent with nothing', async () => {
  await elsewhere('member:m~#self@user:ana~', 'user:ana~#agent_care@agent:assistant');
  const agent = principal(own('ana~'), { actor: 'assistant', tenant: own('o~') });
  engine.beforeFound = () => elsewhere('-user:ana~#agent_care@agent:assistant');
  assert.deepEqual(await decisions.lookup(agent, 'view_care', 'member'), []);
});

test('a revoke not yet committed denies the object named, and the subject of a shared one', async () => {
  await elsewhere(
    'member:m~#delegate@user:ana~',
    'member:m~#self@user:ben~',
    'member:n~#organization@organization:o~',
    'organization:o~#nurse@user:eve~',
    'organization:o~#nurse@user:fay~',
  );
  const revoke = [
    remove(own('member:m~#delegate@user:ana~')),
    remove(own('organization:o~#nurse@user:eve~')),
  ];
  decisions.withhold(revoke, 900);
  assert.deepEqual(await allowed('ana~', item('member:m~')), [false]);
  assert.deepEqual(await allowed('ben~', item('member:m~')), [false]);
  assert.deepEqual(await allowed('eve~', item('member:n~')), [false]);
  assert.deepEqual(await allowed('fay~', item('member:n~')), [true]);
  await real.write(revoke);
  decisions.committed(revoke, 900 + number);
  assert.deepEqual(await allowed('ana~', item('member:m~')), [false]);
  assert.deepEqual(await allowed('ben~', item('member:m~')), [true]);
});

test('a Watch that ended goes on where it ended: what was cached meanwhile dies', async () => {
  await elsewhere('member:m~#self@user:ana~');
  await beat();
  await allowed('ana~', item('member:m~'));
  const told = changes.length;
  engine.endWatch();
  assert.equal(decisions.sure, true, 'as after any silence that is no longer than a heartbeat');
  await real.write([remove(own('member:m~#self@user:ana~'))]);
  await until(() => changes.length > told);
  const m = { type: 'member', id: own('m~') };
  assert.deepEqual(changes[told], { kind: 'objects', objects: [m] });
  assert.deepEqual(await allowed('ana~', item('member:m~')), [false]);
});

test('while Watch cannot be opened again, nothing cached is used', async () => {
  await elsewhere('member:m~#self@user:ana~');
  await beat();
  await allowed('ana~', item('member:m~'));
  engine.endWatch();
  engine.endWatch();
  assert.equal(decisions.sure, false);
  await real.write([remove(own('member:m~#self@user:ana~'))]);
  assert.deepEqual(await allowed('ana~', item('member:m~')), [false]);
  const told = changes.length;
  clock.advance(200);
  await until(() => changes.length > told);
  await beat();
  assert.deepEqual(await allowed('ana~', item('member:m~')), [false]);
});

test('explains the ways from the object to the subject', async () => {
  await elsewhere('member:m~#organization@organization:o~', 'organization:o~#nurse@user:eve~');
  const object = { type: 'member', id: own('m~') };
  const eve = { type: 'user', id: own('eve~') };
  assert.deepEqual(await decisions.explain(eve, 'view_care', object), {
    allowed: true,
    paths: [
      [own('member:m~#organization@organization:o~'), own('organization:o~#nurse@user:eve~')],
    ],
  });
  assert.equal((await decisions.explain(eve, 'view_financial', object)).allowed, false);
  const nobody = { type: 'user', id: own('nobody~') };
  const nothing = { allowed: false, paths: [] };
  assert.deepEqual(await decisions.explain(nobody, 'view_care', object), nothing);
});

test('a listener that throws keeps nothing from the others', async () => {
  decisions.onChange(() => {
    throw new Error('a fault of the listener');
  });
  const told: AccessChange[] = [];
  decisions.onChange((change) => told.push(change));
  await elsewhere('member:m~#self@user:ana~');
  assert.equal(told.length, 1);
});
