import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomId } from '../../kernel/ids.ts';
import type { ChannelLog, GatewayEvent, ReadSince, StreamEntry } from '../ports.ts';
import type { LogBounds } from './bounds.ts';

/** Small, so that every edge is near. */
export const SMALL: LogBounds = {
  ...{ entriesMax: 8, replayMax: 4, dataMs: 400, metaMs: 60_000, dedupMs: 60_000 },
};

export function eventOf(id: string, more: Partial<GatewayEvent> = {}): GatewayEvent {
  const time = '2026-01-01T00:00:00.000Z';
  return { id, type: 'call.join', topic: 'call-notifications', tenant: 'demo', time, ...more };
}

export interface LogRig {
  readonly log: ChannelLog;
  /** Lets `dataMs` pass. */
  readonly later: () => Promise<void>;
  /** Resolves once the log has said what was appended. */
  readonly heard: () => Promise<void>;
}

const stream = () => `member:${randomId()}`;

async function filled(rig: LogRig, count: number) {
  const own = stream();
  const places = [await rig.log.read(own)].map(({ epoch, offset }) => ({ epoch, offset }));
  for (let n = 1; n <= count; n += 1) {
    const { epoch, offset } = await rig.log.append(own, eventOf(`e${n}`), [`e${n}`]);
    places.push({ epoch, offset });
  }
  const since = (index: number) => rig.log.read(own, places[index]);
  return { own, places, since };
}

/** What every channel log does; T13's decision table is in it. */
export function logSuite(name: string, open: () => Promise<LogRig>): void {
  describe(`the channel log: ${name}`, () => {
    replays(open);
    losses(open);
    renewals(open);
    appends(open);
    stands(open);
  });
}

function replays(open: () => Promise<LogRig>): void {
  it('B-GW-2: answers what came after a place, in order, each naming the one before it', async () => {
    const rig = await open();
    const { since, places } = await filled(rig, 4);
    assert.deepEqual(idsOf(await since(0)), ['e1', 'e2', 'e3', 'e4']);
    assert.deepEqual(idsOf(await since(2)), ['e3', 'e4']);
    const entries = entriesOf(await since(1));
    assert.deepEqual(
      entries.map(({ prev }) => prev),
      places.slice(1, 4).map(({ offset }) => offset),
    );
  });

  it('B-GW-2: nothing follows the newest place, nor one that a reader was told', async () => {
    const rig = await open();
    const { own, since } = await filled(rig, 3);
    assert.deepEqual(idsOf(await since(3)), []);
    const { epoch, offset } = await rig.log.read(own);
    assert.deepEqual(idsOf(await rig.log.read(own, { epoch, offset })), []);
    await rig.log.append(own, eventOf('after'), []);
    assert.deepEqual(idsOf(await rig.log.read(own, { epoch, offset })), ['after']);
  });

  it('B-GW-2: twice in a row from one place gives the same, and from what it told, nothing', async () => {
    const rig = await open();
    const { own, since } = await filled(rig, 3);
    const [first, second] = [await since(1), await since(1)];
    assert.deepEqual(idsOf(first), idsOf(second));
    const { epoch, offset } = second;
    assert.deepEqual(idsOf(await rig.log.read(own, { epoch, offset })), []);
  });
}

function losses(open: () => Promise<LogRig>): void {
  it('B-GW-3: of another epoch, or of the future, nothing is told: epoch_changed', async () => {
    const rig = await open();
    const { own, places } = await filled(rig, 2);
    const { epoch, offset } = places[2] ?? { epoch: '', offset: 0 };
    assert.equal(reasonOf(await rig.log.read(own, { epoch: 'other', offset })), 'epoch_changed');
    const future = { epoch, offset: offset + 60_000_000 };
    assert.equal(reasonOf(await rig.log.read(own, future)), 'epoch_changed');
  });

  it('B-GW-3: past its bound of entries: trimmed, or whole exactly at the edge', async () => {
    const rig = await open();
    const { since } = await filled(rig, SMALL.entriesMax + 2);
    assert.equal(reasonOf(await since(1)), 'trimmed');
    assert.equal(reasonOf(await since(2)), 'too_many', 'there, but more than one replay has');
    const edge = SMALL.entriesMax + 2 - SMALL.replayMax;
    assert.equal(idsOf(await since(edge)).length, SMALL.replayMax);
    assert.equal(reasonOf(await since(edge - 1)), 'too_many');
  });

  it('B-GW-3: a stream whose time is over is told from one that never was', async () => {
    const rig = await open();
    const { own, since, places } = await filled(rig, 2);
    await rig.later();
    assert.equal(reasonOf(await since(1)), 'trimmed');
    assert.deepEqual(idsOf(await since(2)), [], 'who had seen all of it missed nothing');
    const again = await rig.log.append(own, eventOf('e3'), []);
    assert.equal(again.epoch, places[0]?.epoch);
    assert.deepEqual(idsOf(await since(2)), ['e3']);
  });
}

function renewals(open: () => Promise<LogRig>): void {
  it('B-GW-3: begun anew, it is of another epoch', async () => {
    const rig = await open();
    const { own, since, places } = await filled(rig, 2);
    await rig.log.renew(own);
    assert.equal(reasonOf(await since(2)), 'epoch_changed');
    const [top] = await rig.log.tops([own]);
    assert.notEqual(top?.epoch, places[2]?.epoch);
  });
}

function appends(open: () => Promise<LogRig>): void {
  it('B-GW-1: a second event of any of its keys is where the first one is', async () => {
    const rig = await open();
    const own = stream();
    const first = await rig.log.append(own, eventOf('e1'), ['t/0/7', 'e1']);
    const again = await rig.log.append(own, eventOf('e1'), ['t/0/8', 'e1']);
    const redelivered = await rig.log.append(own, eventOf('other'), ['t/0/7', 'other']);
    assert.equal(first.duplicate, false);
    for (const { epoch, offset, duplicate } of [again, redelivered]) {
      assert.deepEqual({ epoch, offset, duplicate }, { ...first, duplicate: true });
    }
    const elsewhere = await rig.log.append(stream(), eventOf('e1'), ['t/0/7', 'e1']);
    assert.equal(elsewhere.duplicate, false, 'of another stream it is another entry');
  });

  it('B-GW-1: appends at once are one chain, and are heard in its order', async () => {
    const rig = await open();
    const own = stream();
    const heard: StreamEntry[] = [];
    const stop = rig.log.onEntry((name, _, entry) => {
      if (name === own) heard.push(entry);
    });
    const start = await rig.log.read(own);
    const ids = Array.from({ length: 4 }, (_, n) => `e${n}`);
    await Promise.all(ids.map((id) => rig.log.append(own, eventOf(id), [id])));
    await rig.heard();
    stop();
    const entries = entriesOf(await rig.log.read(own, start));
    assert.deepEqual(heard, entries);
    assert.deepEqual(idsOf({ entries } as never).toSorted(), ids);
    for (const [index, { prev }] of entries.entries()) {
      assert.equal(prev, entries[index - 1]?.offset ?? 0);
    }
  });
}

function stands(open: () => Promise<LogRig>): void {
  it('B-GW-9: the space between two offsets does not say what lies between them', async () => {
    const rig = await open();
    const own = stream();
    const first = await rig.log.append(own, eventOf('a'), []);
    const next = await rig.log.append(own, eventOf('b'), []);
    assert.ok(next.offset - first.offset >= 1);
    const stand = await rig.log.read(own);
    assert.ok(stand.offset > next.offset, 'it is a time, not the place of the newest');
    assert.ok(Number.isSafeInteger(stand.offset));
  });

  it('says where streams stand, also those of which nothing was said', async () => {
    const rig = await open();
    const { own, places } = await filled(rig, 2);
    const [known, unknown] = await rig.log.tops([own, stream()]);
    assert.deepEqual(known, { epoch: places[0]?.epoch, top: places[2]?.offset });
    assert.equal(unknown?.top, 0);
  });
}

function entriesOf(read: ReadSince): readonly StreamEntry[] {
  assert.equal(read.recovered, true);
  return read.recovered ? read.entries : [];
}

function idsOf(read: ReadSince): string[] {
  return ('entries' in read ? read.entries : []).map(({ event }) => event.id);
}

function reasonOf(read: ReadSince): string {
  return read.recovered ? 'recovered' : read.reason;
}
