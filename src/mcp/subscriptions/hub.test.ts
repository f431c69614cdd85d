import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Hub } from './hub.ts';
import { COVERAGE, changeOf, heldSink, principal, rig, settled } from './test/rig.ts';

const PROFILE = 'mcp://twins/member/ana/profile';
const BEN = 'mcp://twins/member/ben/coverage';
const FEED = 'mcp://twins/changes/now';

async function opened(t: TestContext) {
  const room = rig();
  const hub = new Hub(room.parts);
  await hub.start();
  const open = (subject: string, more = {}) => {
    const held = heldSink();
    held.flow();
    const owner = principal(subject, more);
    const stream = hub.open('listen', owner, held.sink);
    t.after(() => stream.close());
    const caller = { principal: owner, correlationId: subject };
    return Object.assign(held, { stream, caller });
  };
  return Object.assign(room, { hub, open });
}

test('only what may be read is taken, and both outcomes are in the audit', async (t) => {
  const { allow, audited, open } = await opened(t);
  allow((_, uri) => (uri === BEN ? null : 'general'));
  const { stream, caller } = open('ana');
  assert.deepEqual(await stream.add(caller, [COVERAGE, BEN, PROFILE, COVERAGE]), [
    COVERAGE,
    PROFILE,
  ]);
  const outcomes = audited.map(({ outcome, what }) => [outcome, what.map(({ uri }) => uri)]);
  assert.deepEqual(outcomes, [
    ['success', [COVERAGE, PROFILE]],
    ['denied', [BEN]],
  ]);
});

test('P2: a new subscription is told of what changed lately, of its own URIs alone', async (t) => {
  const { remember, open } = await opened(t);
  remember([changeOf(COVERAGE, 4), changeOf(BEN, 5), changeOf(PROFILE, 6, { variant: 'full' })]);
  const { stream, caller, sent } = open('ana');
  await stream.add(caller, [COVERAGE, PROFILE]);
  await settled();
  assert.deepEqual(
    sent.map(({ uri, place }) => [uri, place?.offset]),
    [[COVERAGE, 4]],
  );
});

test('P2: whoever comes back is told of creations and deletions too', async (t) => {
  const { remember, open } = await opened(t);
  const { stream, caller, sent } = open('ana');
  await stream.add(caller, [COVERAGE, PROFILE]);
  remember([
    changeOf(COVERAGE, 1, { kind: 'created' }),
    changeOf(PROFILE, 2, { kind: 'deleted', etag: '' }),
  ]);
  await stream.resume(caller);
  await settled();
  assert.deepEqual(new Set(sent.map(({ uri }) => uri)), new Set([COVERAGE, PROFILE]));
});

test('P1, B-MC-5: a revocation ends the URI before the next change', async (t) => {
  const { allow, accessChange, change, open } = await opened(t);
  const { stream, caller, sent, ended } = open('ana');
  await stream.add(caller, [COVERAGE]);
  allow(() => null);
  accessChange({ kind: 'objects', objects: [{ type: 'member', id: 'ana' }] });
  await settled();
  assert.deepEqual(ended, [`revoked ${COVERAGE}`]);
  allow(() => 'general');
  change(changeOf(COVERAGE, 1));
  await settled();
  assert.equal(sent.length, 0, 'it is no longer subscribed');
});

test('a relation of one member has only its own subscribers looked at, a shared one all', async (t) => {
  const room = await opened(t);
  for (const [subject, uri] of [
    ['ana', COVERAGE],
    ['ben', BEN],
  ] as const) {
    const { stream, caller } = room.open(subject);
    await stream.add(caller, [uri]);
  }
  await settled();
  const before = room.checks;
  room.accessChange({ kind: 'objects', objects: [{ type: 'member', id: 'ana' }] });
  await settled();
  assert.equal(room.checks - before, 1);
  room.accessChange({ kind: 'everything' });
  await settled();
  assert.equal(room.checks - before, 3);
});

test('B-MC-7: the change of variant is told with the etag and place of that variant', async (t) => {
  const { allow, accessChange, remember, open } = await opened(t);
  const { stream, caller, sent } = open('ana');
  await stream.add(caller, [COVERAGE]);
  const full = changeOf(COVERAGE, 9, { variant: 'full', kind: 'created' });
  remember([changeOf(COVERAGE, 8), full]);
  allow(() => 'full');
  accessChange({ kind: 'everything' });
  await settled();
  assert.deepEqual(sent, [{ uri: COVERAGE, variant: 'full', etag: full.etag, place: full.place }]);
});

test('a right that grows or shrinks changes the variant, and says that the document differs', async (t) => {
  const { allow, accessChange, change, open } = await opened(t);
  const { stream, caller, sent } = open('ana');
  await stream.add(caller, [COVERAGE]);
  allow(() => 'full');
  accessChange({ kind: 'everything' });
  await settled();
  assert.deepEqual(
    sent.map(({ uri, variant }) => [uri, variant]),
    [[COVERAGE, 'full']],
  );
  change(changeOf(COVERAGE, 1), changeOf(COVERAGE, 2, { variant: 'full' }));
  await settled();
  assert.deepEqual(
    sent.map(({ place }) => place?.offset),
    [undefined, 2],
  );
});

test('B-MC-8: a lost right is news for the feed, which names what is no longer readable', async (t) => {
  const { accessChange, feed, open } = await opened(t);
  const { stream, caller, sent } = open('ana');
  await stream.add(caller, [FEED]);
  accessChange({ kind: 'objects', objects: [{ type: 'member', id: 'zoe' }] });
  await settled();
  assert.equal(sent.length, 0);
  feed(true);
  accessChange({ kind: 'objects', objects: [{ type: 'member', id: 'ana' }] });
  await settled();
  assert.deepEqual(
    sent.map(({ uri }) => uri),
    [FEED],
  );
});

test('B-MC-5: a stream ends with its token, by time and by revocation, and lives by a newer one', async (t) => {
  const { accessChange, open } = await opened(t);
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  const at = (ms: number) => ({ expiresAtMs: 1_000_000 + ms });
  const brief = open('ana', at(50));
  const renewed = open('ben', at(50));
  const denied = open('cleo', at(1_000));
  const later = { ...renewed.caller.principal, ...at(500) };
  renewed.stream.wake({ ...renewed.caller, principal: later });
  const foreign = { ...principal('zoe'), ...at(9_999) };
  brief.stream.wake({ principal: foreign, correlationId: 'zoe' });
  t.mock.timers.tick(50);
  assert.deepEqual([brief.ended, renewed.ended, denied.ended], [['expired'], [], []]);
  t.mock.timers.tick(450);
  assert.deepEqual(renewed.ended, ['expired']);
  accessChange({ kind: 'token', tokenId: 'token-of-cleo' });
  assert.deepEqual(denied.ended, ['expired']);
});

test('P6: a check that fails ends the stream instead of leaving it open', async (t) => {
  const { parts, accessChange, open } = await opened(t);
  const { stream, caller, ended } = open('ana');
  await stream.add(caller, [COVERAGE]);
  Object.assign(parts.reader, { variants: () => Promise.reject(new Error('away')) });
  accessChange({ kind: 'everything' });
  await settled();
  assert.deepEqual(ended, ['unverifiable']);
});

test('after its stop it takes no stream, and has ended those that were open', async (t) => {
  const { hub, open } = await opened(t);
  const { ended } = open('ana');
  await hub.stop();
  assert.deepEqual(ended, ['unverifiable']);
  assert.throws(() => open('ben'), { code: 'SHUTTING_DOWN' });
});
