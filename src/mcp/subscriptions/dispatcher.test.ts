import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dispatcher } from './dispatcher.ts';
import { Registry } from './registry.ts';
import { COVERAGE, changeOf, heldSink, principal, rig, settled, streamOf } from './test/rig.ts';

const PROFILE = 'mcp://twins/member/ana/profile';

function room() {
  const room = rig();
  const registry = new Registry();
  const dispatcher = new Dispatcher(room.parts, registry);
  const subscribe = (subject: string, ...uris: string[]) => {
    const held = heldSink();
    const stream = streamOf(subject, principal(subject), held.sink);
    registry.enter(stream);
    for (const uri of uris) registry.link(stream, uri, 'general');
    return Object.assign(held, { stream });
  };
  return Object.assign(room, { registry, dispatcher, subscribe });
}

test('F12, B-MC-6: while the socket takes nothing, a URI is queued once, with its newest state', async () => {
  const { dispatcher, subscribe } = room();
  const slow = subscribe('slow', COVERAGE, PROFILE);
  for (let offset = 0; offset < 500; offset += 1) {
    dispatcher.changed([changeOf(COVERAGE, offset), changeOf(PROFILE, offset)]);
    if (offset % 50 === 0) await settled();
    assert.ok(slow.stream.pending.size <= 2);
  }
  await settled();
  assert.equal(slow.sent.length, 1, 'one is on its way to the socket');
  slow.flow();
  await settled();
  assert.equal(slow.stream.pending.size, 0);
  const last = new Map(slow.sent.map(({ uri, place }) => [uri, place?.offset]));
  assert.deepEqual([last.get(COVERAGE), last.get(PROFILE)], [499, 499]);
  assert.ok(slow.sent.length <= 4, `${slow.sent.length} sent`);
});

test('B-MC-6: a slow reader slows nobody else', async () => {
  const { dispatcher, subscribe } = room();
  const slow = subscribe('slow', COVERAGE);
  const brisk = subscribe('brisk', COVERAGE);
  brisk.flow();
  for (let offset = 0; offset < 10; offset += 1) {
    dispatcher.changed([changeOf(COVERAGE, offset)]);
    await settled();
  }
  assert.deepEqual(
    brisk.sent.map(({ place }) => place?.offset),
    [...Array(10).keys()],
  );
  assert.equal(slow.sent.length, 1);
});

test('the audit record of a delivery is durable before any byte, one for all receivers', async () => {
  const { parts, audited, dispatcher, subscribe } = room();
  let commit = (): void => undefined;
  const held = new Promise<void>((resolve) => (commit = resolve));
  const append = parts.audit.append;
  Object.assign(parts.audit, { append: (entry: never) => held.then(() => append(entry)) });
  const streams = ['a', 'b'].map((subject) => subscribe(subject, COVERAGE));
  dispatcher.changed([changeOf(COVERAGE, 1)]);
  await settled();
  assert.deepEqual(
    streams.map(({ sent }) => sent.length),
    [0, 0],
  );
  commit();
  await settled();
  assert.deepEqual(
    streams.map(({ sent }) => sent.length),
    [1, 1],
  );
  assert.equal(audited.length, 1);
  assert.deepEqual(
    audited[0]?.receivers?.map(({ stream }) => stream),
    ['a', 'b'],
  );
});

test('while one batch is audited the next is checked, and told after its own record', async () => {
  const { parts, allow, dispatcher, registry, subscribe } = room();
  const asked: string[] = [];
  allow((_, uri) => {
    asked.push(uri);
    return 'general';
  });
  const commits: (() => void)[] = [];
  const append = () => new Promise<void>((resolve) => commits.push(resolve));
  Object.assign(parts.audit, { append });
  const reader = subscribe('reader', COVERAGE, PROFILE);
  reader.flow();
  dispatcher.changed([changeOf(COVERAGE, 1)]);
  await settled();
  dispatcher.changed([changeOf(COVERAGE, 2), changeOf(PROFILE, 2)]);
  await settled();
  assert.deepEqual([asked, commits.length], [[COVERAGE, COVERAGE, PROFILE], 1]);
  commits[0]?.();
  await settled();
  const offsets = () => reader.sent.map(({ place }) => place?.offset);
  assert.deepEqual([offsets(), commits.length], [[1], 2]);
  registry.unlink(reader.stream, PROFILE);
  commits[1]?.();
  await settled();
  assert.deepEqual(offsets(), [1, 2], 'and nothing of what was given back meanwhile');
});

test('P1: whoever may not know is not told, and no record says that they were', async () => {
  const { allow, audited, dispatcher, subscribe } = room();
  const [may, mayNot] = [subscribe('may', COVERAGE), subscribe('may-not', COVERAGE)];
  allow(({ subject }) => (subject === 'may' ? 'general' : null));
  dispatcher.changed([changeOf(COVERAGE, 1)]);
  await settled();
  assert.deepEqual([may.sent.length, mayNot.sent.length], [1, 0]);
  assert.deepEqual(
    audited[0]?.receivers?.map(({ stream }) => stream),
    ['may'],
  );
});

test('P1: a right that ends while an update waits for the socket ends the update', async () => {
  const { allow, dispatcher, subscribe } = room();
  const reader = subscribe('reader', COVERAGE, PROFILE);
  dispatcher.changed([changeOf(COVERAGE, 1), changeOf(PROFILE, 1)]);
  await settled();
  allow(() => null);
  reader.flow();
  await settled();
  assert.equal(reader.sent.length, 1);
  assert.equal(reader.stream.pending.size, 0);
});

test('P1: an update of another variant than the granted one is not told', async () => {
  const { dispatcher, subscribe } = room();
  const reader = subscribe('reader', COVERAGE);
  dispatcher.changed([changeOf(COVERAGE, 1, { variant: 'full' })]);
  await settled();
  assert.equal(reader.sent.length, 0);
});

test('P1: past the expiry of its token a stream is sent nothing, however late its timer', async () => {
  const { dispatcher, registry } = room();
  const held = heldSink();
  const owner = principal('late', { expiresAtMs: Date.now() - 1 });
  const stream = streamOf('late', owner, held.sink);
  registry.enter(stream);
  registry.link(stream, COVERAGE, 'general');
  dispatcher.changed([changeOf(COVERAGE, 1)]);
  await settled();
  assert.equal(held.sent.length, 0);
});

test('P2: what was on its way when the socket closed is told when it is back', async () => {
  const { dispatcher, subscribe } = room();
  const reader = subscribe('reader', COVERAGE);
  dispatcher.changed([changeOf(COVERAGE, 1)]);
  await settled();
  reader.drop();
  await settled();
  assert.equal(reader.stream.pending.size, 1);
  dispatcher.changed([changeOf(COVERAGE, 2)]);
  await settled();
  assert.equal(reader.sent.length, 1);
  reader.reopen();
  await dispatcher.pump(reader.stream);
  assert.deepEqual(
    reader.sent.map(({ place }) => place?.offset),
    [1, 2],
  );
});

test('B-LV-7: a floor stands before the bytes leave', async () => {
  const { parts, dispatcher, subscribe } = room();
  const reader = subscribe('reader', COVERAGE);
  dispatcher.changed([changeOf(COVERAGE, 7)]);
  await settled();
  assert.equal(reader.sent.length, 1);
  assert.deepEqual(await parts.floors.of(reader.stream.principal, COVERAGE), {
    partition: 0,
    offset: 7,
  });
});

test('P6: when permissions cannot be checked, streams end and nothing is told', async () => {
  const { parts, reported, dispatcher, subscribe } = room();
  const reader = subscribe('reader', COVERAGE);
  Object.assign(parts.reader, { variants: () => Promise.reject(new Error('SpiceDB is away')) });
  dispatcher.changed([changeOf(COVERAGE, 1)]);
  await settled();
  assert.deepEqual([reader.sent.length, reader.ended], [0, ['unverifiable']]);
  assert.equal(reported.length, 1);
});

test('one principal is checked once a round, however many streams it has', async () => {
  const own = room();
  const { dispatcher, registry } = own;
  const owner = principal('many');
  for (let n = 0; n < 20; n += 1) {
    const stream = streamOf(`stream-${n}`, owner, heldSink().sink);
    registry.enter(stream);
    registry.link(stream, COVERAGE, 'general');
  }
  dispatcher.changed([changeOf(COVERAGE, 1)]);
  await settled();
  // One for the round, then one just before each stream's own bytes.
  assert.equal(own.checks, 21);
});

test('B-MC-8: a feed is told of what its principal may know, never of a session', async () => {
  const { allow, dispatcher, registry } = room();
  const FEED = 'mcp://twins/changes/now';
  const held = heldSink();
  held.flow();
  const stream = streamOf('feed', principal('feed'), held.sink);
  registry.enter(stream);
  registry.link(stream, FEED, 'general');
  const session = { kind: 'session', id: 's' } as const;
  dispatcher.changed([changeOf('mcp://sessions/s', 1, { subject: session, section: 'session' })]);
  await settled();
  assert.equal(held.sent.length, 0);
  dispatcher.changed([changeOf(COVERAGE, 2)]);
  await settled();
  assert.deepEqual(
    held.sent.map(({ uri }) => uri),
    [FEED],
  );
  allow((_, uri) => (uri === FEED ? 'general' : null));
  dispatcher.changed([changeOf(COVERAGE, 3)]);
  await settled();
  assert.equal(held.sent.length, 1);
});

test('P2: a token for less takes nothing from another token of its principal', async () => {
  const { allow, dispatcher, registry } = room();
  const open = (id: string, uri: string, ...scopes: string[]) => {
    const held = heldSink();
    held.flow();
    const owner = principal('ana', { tokenId: id, scopes: new Set(scopes) });
    const stream = streamOf(id, owner, held.sink);
    registry.enter(stream);
    registry.link(stream, uri, 'general');
    return held;
  };
  const uriOfScope: Record<string, string> = { coverage: COVERAGE, profile: PROFILE };
  allow(({ scopes }, uri) =>
    [...scopes].some((scope) => uriOfScope[scope] === uri) ? 'general' : null,
  );
  const less = open('less', COVERAGE, 'coverage');
  const more = open('more', PROFILE, 'coverage', 'profile');
  dispatcher.changed([changeOf(COVERAGE, 1), changeOf(PROFILE, 2)]);
  await settled();
  assert.deepEqual([less.sent.length, more.sent.length], [1, 1]);
});
