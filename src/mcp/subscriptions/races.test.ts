import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Fault } from '../../kernel/errors.ts';
import { Hub } from './hub.ts';
import { COVERAGE, changeOf, heldSink, principal, rig, settled } from './test/rig.ts';

/** What comes between two awaits: neither a change nor a permission may fall through. */
const FEED = 'mcp://twins/changes/now';

async function opened(t: TestContext) {
  const room = rig();
  const hub = new Hub(room.parts);
  await hub.start();
  const open = (subject: string) => {
    const held = heldSink();
    held.flow();
    const owner = principal(subject);
    const stream = hub.open('listen', owner, held.sink);
    t.after(() => stream.close());
    return Object.assign(held, { stream, caller: { principal: owner, correlationId: subject } });
  };
  return Object.assign(room, { open });
}

/** Holds the next audit records back until `commit`. */
function heldAudit({ parts }: Awaited<ReturnType<typeof opened>>): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const append = parts.audit.append;
  Object.assign(parts.audit, { append: (entry: never) => promise.then(() => append(entry)) });
  return resolve;
}

test('P2: a change between the check of a URI and its link is told', async (t) => {
  const room = await opened(t);
  const { stream, caller, sent } = room.open('ana');
  const commit = heldAudit(room);
  const added = stream.add(caller, [COVERAGE]);
  await settled();
  room.remember([changeOf(COVERAGE, 7)]);
  room.change(changeOf(COVERAGE, 7));
  commit();
  await added;
  await settled();
  assert.deepEqual(
    sent.map(({ place }) => place?.offset),
    [7],
  );
});

test('P2: a variant that changes between check and link is the one that is told of', async (t) => {
  const room = await opened(t);
  const { stream, caller, sent } = room.open('ana');
  const commit = heldAudit(room);
  const added = stream.add(caller, [COVERAGE]);
  await settled();
  room.allow(() => 'full');
  room.accessChange({ kind: 'everything' });
  commit();
  await added;
  await settled();
  sent.length = 0;
  room.change(changeOf(COVERAGE, 8, { variant: 'full' }));
  await settled();
  assert.deepEqual(
    sent.map(({ place, variant }) => [place?.offset, variant]),
    [[8, 'full']],
  );
});

test('P1: a permission that ends between check and link ends the subscription', async (t) => {
  const room = await opened(t);
  const { stream, caller, ended } = room.open('ana');
  const commit = heldAudit(room);
  const added = stream.add(caller, [COVERAGE]);
  await settled();
  room.allow(() => null);
  room.accessChange({ kind: 'everything' });
  commit();
  await added;
  await settled();
  assert.deepEqual(ended, [`revoked ${COVERAGE}`]);
});

test('P2: a feed that cannot be checked is told to come again, not left without its news', async (t) => {
  const room = await opened(t);
  const { stream, caller, ended } = room.open('ana');
  await stream.add(caller, [FEED]);
  room.allow(() => {
    throw new Fault('ACCESS_UNAVAILABLE');
  });
  room.change(changeOf(COVERAGE, 1));
  await settled();
  assert.deepEqual(ended, ['unverifiable']);
});

test('a burst of relations has a stream looked at twice at most, the last time after all of it', async (t) => {
  const room = await opened(t);
  const { stream, caller, ended } = room.open('ana');
  await stream.add(caller, [COVERAGE]);
  const before = room.checks;
  for (let count = 0; count < 100; count += 1) room.accessChange({ kind: 'everything' });
  room.allow(() => null);
  room.accessChange({ kind: 'everything' });
  await settled();
  assert.ok(room.checks - before <= 2, `${room.checks - before} rounds of checks`);
  assert.deepEqual(ended, [`revoked ${COVERAGE}`]);
});

test('a sink that throws keeps nobody else from hearing', async (t) => {
  const room = await opened(t);
  const broken = room.open('ana');
  const { stream, caller, sent } = room.open('ben');
  await broken.stream.add(broken.caller, [COVERAGE]);
  await stream.add(caller, [COVERAGE]);
  Object.assign(broken.sink, {
    unverifiable: () => {
      throw new Error('gone');
    },
  });
  room.allow(() => {
    throw new Fault('ACCESS_UNAVAILABLE');
  });
  room.change(changeOf(COVERAGE, 1));
  await settled();
  room.allow(() => 'general');
  room.change(changeOf(COVERAGE, 2));
  await settled();
  assert.deepEqual(
    sent.map(({ place }) => place?.offset),
    [2],
  );
});
