import assert from 'node:assert/strict';
import { Session } from 'node:inspector/promises';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import type { Principal } from '../../twin/ports.ts';
import { Hub } from './hub.ts';
import { COVERAGE, changeOf, heldSink, principal, rig, settled } from './test/rig.ts';

/** The product's code whose work is counted; the rig's is not. */
const COUNTED = /\/src\/(?!.*\/test\/).*(?<!\.test)\.ts$/;
const FEW = 200;
const MANY = 20_000;
const STREAMS_A_READER = 50;
/** No tenant may have all of an instance's streams. */
const TENANTS = 2;

function readerOf(stream: number): Principal {
  const reader = Math.floor(stream / STREAMS_A_READER);
  return principal(`reader-${reader}`, { tenant: `tenant-${reader % TENANTS}` });
}

/** A hub with streams of other members, and the open streams of one member's own subscribers. */
async function hubAmong(foreign: number, subscribers: number) {
  const held = rig();
  const hub = new Hub(held.parts);
  await hub.start();
  const open = async (owner: Principal, uri: string) => {
    const { sink, sent, flow } = heldSink();
    flow();
    const stream = hub.open('listen', owner, sink);
    const caller = { principal: owner, correlationId: 'test' };
    assert.deepEqual(await stream.add(caller, [uri]), [uri]);
    return sent;
  };
  const others = [];
  for (let n = 0; n < foreign; n += 1) {
    others.push(await open(readerOf(n), `mcp://twins/member/foreign-${n}/coverage`));
  }
  const own = [];
  for (let n = 0; n < subscribers; n += 1) own.push(await open(principal(`own-${n}`), COVERAGE));
  return { held, hub, own, others };
}

// Code that V8 has optimized and inlined is not counted.
setFlagsFromString('--no-opt');

/** How often any block of the product's code ran, by what V8 counts of it. */
async function blocksRun(work: () => Promise<void>): Promise<number> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  await work();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  await session.post('Profiler.stopPreciseCoverage');
  session.disconnect();
  return result
    .filter(({ url }) => COUNTED.test(url))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .reduce((sum, { count }) => sum + count, 0);
}

/** The work of one event, once all that it starts has settled, and the checks that it asks for. */
async function costAmong(foreign: number, subscribers = 1) {
  const { held, hub, own, others } = await hubAmong(foreign, subscribers);
  let offset = 0;
  const event = async () => {
    offset += 1;
    held.change(changeOf(COVERAGE, offset));
    await settled();
  };
  await event();
  const before = { checks: held.checks, audited: held.audited.length };
  const blocks = await blocksRun(event);
  assert.deepEqual(new Set(own.map((sent) => sent.length)), new Set([offset]));
  assert.equal(others.flat().length, 0);
  await hub.stop();
  return {
    blocks,
    checks: held.checks - before.checks,
    audited: held.audited.length - before.audited,
  };
}

test('B-MC-20: an event among 20,000 foreign streams is the same work as among 200', async (t) => {
  const [few, many] = [await costAmong(FEW), await costAmong(MANY)];
  t.diagnostic(JSON.stringify({ few, many }));
  assert.ok(few.blocks > 0 && few.checks > 0);
  assert.deepEqual(many, few);
});

test('B-MC-20: the work of an event grows with its own subscribers', async () => {
  const [one, twenty] = [await costAmong(FEW, 1), await costAmong(FEW, 20)];
  assert.ok(twenty.blocks > 10 * one.blocks, JSON.stringify({ one, twenty }));
  assert.equal(twenty.audited, one.audited, 'one record for all of them');
});
