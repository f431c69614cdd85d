/** What every log, its intake and its journal of relations promise; run against each of them. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { partitionOf } from '../kernel/murmur2.ts';
import type { EventLog, LogRecord } from '../twin/ports.ts';
import { type Context, type LogUnderTest, refusal } from './log-suite.rig.ts';
import { testPreconditions } from './log-suite-preconditions.rig.ts';
import {
  bundleOf,
  collectionOf,
  condition,
  deletionOf,
  encounter,
  patient,
  practitioner,
  submission,
} from './test/bundles.ts';

export interface LogPlace {
  /** Opens the same log again and again. */
  open(): Promise<LogUnderTest>;
  remove(): Promise<void>;
}

export function logSuite(createPlace: () => LogPlace): void {
  let place: LogPlace;
  let opened: LogUnderTest;
  beforeEach(async () => {
    place = createPlace();
    opened = await place.open();
    reached.clear();
  });
  afterEach(async () => {
    await opened.stop();
    await place.remove();
  });
  /** Where receipts said that records stand. */
  const reached = new Map<number, number>();
  /** A log that is far away has what a receipt speaks of a moment after the receipt. */
  const upTo = async (offset: number, partition: number): Promise<LogRecord[]> => {
    for (;;) {
      const records = await drained(opened.log, partition);
      if ((records.at(-1)?.offset ?? -1) >= offset) return records;
    }
  };
  const all = async (): Promise<LogRecord[]> => {
    const partitions = Array.from({ length: opened.log.partitions }, (_, index) => index);
    const lists = await Promise.all(partitions.map((one) => upTo(reached.get(one) ?? -1, one)));
    return lists.flat();
  };
  const context: Context = {
    now: () => opened,
    async reopen() {
      await opened.stop();
      opened = await place.open();
    },
    async submit(json, more) {
      const receipt = await opened.intake.submitBundle(submission(json, more));
      for (const { partition, offset } of receipt.places) reached.set(partition, offset);
      return receipt;
    },
    all,
    latest: async (id) => (await all()).filter((record) => record.id === id).at(-1),
  };
  testAcceptance(context);
  testOrder(context);
  testPreconditions(context);
  testOwnership(context);
  testNames(context);
  testRecords(context);
  testWaiting(context);
  testRestart(context);
}

function testAcceptance({ now, submit, all }: Context): void {
  test('a bundle is accepted with its records in order and its place', async () => {
    const receipt = await submit(bundleOf(patient('ana'), condition('c1', 'ana', 'Asthma')));
    const partition = partitionOf('ana', now().log.partitions);
    assert.deepEqual(receipt, {
      accepted: 2,
      unchanged: 0,
      stale: 0,
      waiting: 0,
      resumed: 0,
      refused: 0,
      entries: [],
      members: [{ member: 'ana', patient: 'ana' }],
      ignored: {},
      places: [{ partition, offset: 1 }],
    });
    const records = await now().log.read(partition, 0, 10);
    assert.deepEqual(
      records.map(({ type, id, offset, tenant }) => [type, id, offset, tenant]),
      [
        ['Patient', 'ana', 0, 'demo'],
        ['Condition', 'c1', 1, 'demo'],
      ],
    );
    // Control records may stand at the end.
    assert.ok(((await now().log.ends())[partition] ?? 0) >= 2);
    assert.deepEqual(records.slice(1), await now().log.read(partition, 1, 1));
  });

  test('B-IN-3: a bundle with one wrong entry is refused whole, naming it', async () => {
    await submit(bundleOf(patient('ana')));
    const orphan = condition('c2', 'nobody', 'Asthma');
    const json = bundleOf(condition('c1', 'ana', 'Asthma'), patient('new'), orphan);
    const error = await refusal(submit(json));
    assert.equal(error.data.entry, 2);
    assert.deepEqual(
      (await all()).map(({ id }) => id),
      ['ana'],
    );
    assert.equal((await now().relations.read(0, 10)).length, 1);
  });
}

function testOrder({ now, submit, all }: Context): void {
  test('B-IN-5: a second event of the same id has no effect and the same receipt', async () => {
    const first = submission(bundleOf(patient('ana')), { eventId: 'once' });
    const receipt = await now().intake.submitBundle(first);
    const other = bundleOf(patient('ana', { birthDate: '1971-01-01' }));
    assert.deepEqual(await submit(other, { eventId: 'once' }), receipt);
    assert.equal((await all()).length, 1);
    assert.equal((await submit(other, { tenant: 'demo', eventId: 'twice' })).accepted, 1);
  });

  test('B-IN-6: what has not changed, and what is older, has no effect', async () => {
    const at = (text: string, day: string) =>
      bundleOf(condition('c1', 'ana', text, `2026-01-${day}T00:00:00Z`));
    await submit(bundleOf(patient('ana')));
    assert.equal((await submit(at('Asthma', '05'))).accepted, 1);
    assert.equal((await submit(at('Asthma', '05'))).unchanged, 1);
    const stale = await submit(at('Old asthma', '04'));
    assert.deepEqual([stale.stale, stale.places], [1, []]);
    assert.equal((await submit(at('Severe asthma', '06'))).accepted, 1);
    assert.equal((await all()).length, 3);
  });

  test('a deletion is a tombstone, and of what is not there nothing', async () => {
    await submit(bundleOf(patient('ana'), condition('c1', 'ana', 'Asthma')));
    assert.equal((await submit(deletionOf('Condition/c1'))).accepted, 1);
    assert.equal((await submit(deletionOf('Condition/c1'))).accepted, 0);
    assert.equal((await submit(deletionOf('Condition/c9'))).accepted, 0);
    const last = (await all()).at(-1);
    assert.deepEqual([last?.id, last?.resource], ['c1', null]);
  });
}

function testOwnership({ now, submit, all }: Context): void {
  test('a new member comes with its organization, once', async () => {
    let told = 0;
    now().relations.onAppend(() => told++);
    await submit(bundleOf(patient('ana')));
    await submit(bundleOf(patient('ana', { gender: 'female' })));
    const journal = await now().relations.read(0, 10);
    assert.deepEqual(
      journal.map(({ change }) => change),
      [
        {
          operation: 'touch',
          relationship: {
            resource: { type: 'member', id: 'ana' },
            relation: 'organization',
            subject: { type: 'organization', id: 'demo' },
          },
        },
      ],
    );
    assert.equal(told, 1);
  });

  test('no tenant writes a member of another', async () => {
    await submit(bundleOf(patient('ana')));
    const taken = await refusal(submit(bundleOf(patient('ana')), { tenant: 'other' }));
    assert.match(taken.message, /MEMBER_IDS=opaque/);
    const json = bundleOf(condition('c1', 'ana', 'Asthma'));
    await refusal(submit(json, { tenant: 'other' }));
    const record = {
      ...session(),
      tenant: 'other',
      subject: { kind: 'member', id: 'ana' } as const,
    };
    await refusal(now().intake.submitRecord(record));
    assert.equal((await all()).length, 1);
  });

  test('a record that its source files with another member leaves the first', async () => {
    await submit(bundleOf(patient('ana'), patient('ben'), condition('c1', 'ana', 'Asthma')));
    const moved = await submit(bundleOf(condition('c1', 'ben', 'Asthma')));
    assert.equal(moved.places.length, 2);
    const records = await all();
    const atAna = records.filter(({ subject, id }) => subject.id === 'ana' && id === 'c1').at(-1);
    assert.equal(atAna?.resource, null);
    await submit(bundleOf(condition('c1', 'ana', 'Gout')), { source: 'another' });
    assert.equal((await all()).at(-1)?.provenance.source, 'another');
    assert.equal((await all()).filter(({ resource }) => resource === null).length, 1);
  });
}

function testNames({ submit, latest }: Context): void {
  test('a changed name is copied into every record that mentions it', async () => {
    await submit(bundleOf(practitioner('dr', 'Moss')));
    const visit = encounter('e1', 'ana', 'dr');
    await submit(bundleOf(patient('ana'), visit, encounter('e2', 'ana', 'unknown')));
    assert.deepEqual((await latest('e1'))?.names, { 'Practitioner/dr': 'Eve Moss' });
    const renamed = await submit(bundleOf(practitioner('dr', 'Stone')));
    // The visit, and the practitioner as a subject of their own.
    assert.equal(renamed.places.length, 2);
    assert.deepEqual((await latest('e1'))?.names, { 'Practitioner/dr': 'Eve Stone' });
    assert.equal((await submit(bundleOf(visit))).unchanged, 1);
    await submit(bundleOf(practitioner('unknown', 'Late')));
    assert.deepEqual((await latest('e2'))?.names, { 'Practitioner/unknown': 'Eve Late' });
  });
}

function testRecords({ now, submit, all }: Context): void {
  test('a record of our own is written once and read back', async () => {
    const place = await now().intake.submitRecord(session());
    assert.deepEqual(await now().intake.submitRecord(session()), place);
    const [record] = await now().log.read(place.partition, place.offset, 1);
    assert.deepEqual(record?.resource, session().resource);
    assert.equal((await all()).length, 1);
  });

  test('appends are told after they can be read, and refusals are not', async () => {
    const told: number[][] = [];
    await all();
    const grown = Promise.withResolvers<void>();
    const forget = now().log.onAppend((partitions) => {
      told.push([...partitions]);
      grown.resolve();
    });
    await submit(bundleOf(patient('ana')));
    await grown.promise;
    assert.equal((await all()).length, 1);
    await submit(bundleOf(patient('ana')));
    await refusal(submit(bundleOf(condition('c1', 'nobody', 'Asthma'))));
    forget();
    await submit(bundleOf(patient('ben')));
    assert.deepEqual(told, [[partitionOf('ana', now().log.partitions)]]);
  });
}

function testWaiting({ now, submit, all, reopen }: Context): void {
  test('B-IN-8: a record that refers to the unknown waits, also across a restart', async () => {
    const orphan = collectionOf(condition('c1', 'ana', 'Asthma'), patient('ben'));
    const receipt = await submit(orphan);
    assert.deepEqual([receipt.accepted, receipt.waiting, receipt.refused], [1, 1, 0]);
    assert.equal(receipt.entries[0]?.reason, 'no-member');
    await reopen();
    const { waiting } = await now().intake.held('demo');
    assert.deepEqual(
      waiting.records.map(({ type, needs, source, entry }) => [type, needs, source, entry]),
      [['Condition', ['Patient'], 'ehr', 0]],
    );
    assert.equal((await now().intake.held('other')).waiting.count, 0);
    const arrival = await submit(bundleOf(patient('ana')));
    assert.deepEqual([arrival.accepted, arrival.resumed], [1, 1]);
    assert.equal((await now().intake.held('demo')).waiting.count, 0);
    assert.ok((await all()).some(({ id, subject }) => id === 'c1' && subject.id === 'ana'));
    assert.deepEqual(arrival.places[0]?.offset, 1);
  });

  test('nobody waits for a member of another tenant', async () => {
    await submit(collectionOf(condition('c1', 'ana', 'Asthma')));
    const other = await submit(bundleOf(patient('ana')), { tenant: 'other' });
    assert.equal(other.resumed, 0);
    assert.equal((await now().intake.held('demo')).waiting.count, 1);
    assert.ok((await all()).every(({ tenant }) => tenant === 'other'));
  });

  test('a dry run answers the receipt, and nothing is stored', async () => {
    const json = collectionOf(
      patient('ana'),
      condition('c1', 'ana', 'A'),
      condition('c2', 'x', 'B'),
    );
    const dry = await submit(json, { dryRun: true, eventId: 'once' });
    assert.deepEqual([dry.accepted, dry.waiting, dry.places], [2, 1, []]);
    assert.deepEqual(await all(), []);
    assert.equal((await now().intake.held('demo')).waiting.count, 0);
    assert.deepEqual(await now().relations.read(0, 10), []);
    assert.equal((await submit(json, { eventId: 'once' })).accepted, 2);
  });
}

function testRestart({ now, reopen, all }: Context): void {
  test('epoch, partitions, records, receipts and journal outlive a restart', async () => {
    const { epoch, partitions } = now().log;
    assert.match(epoch, /^[a-z2-7]{8}$/);
    const first = submission(bundleOf(patient('ana')));
    const receipt = await now().intake.submitBundle(first);
    const before = await all();
    const relation = {
      resource: { type: 'member', id: 'ana' },
      relation: 'self',
      subject: { type: 'user', id: 'ana' },
    };
    const last = await now().relations.append(
      [
        { operation: 'touch', relationship: relation },
        { operation: 'delete', relationship: relation },
      ],
      'user:operator',
    );
    await reopen();
    assert.deepEqual([now().log.epoch, now().log.partitions], [epoch, partitions]);
    assert.deepEqual(await all(), before);
    assert.deepEqual(await now().intake.submitBundle(first), receipt);
    const tail = await now().relations.read(last, 10);
    assert.deepEqual(tail, [
      { offset: last, change: { operation: 'delete', relationship: relation } },
    ]);
  });
}

function session() {
  return {
    tenant: 'demo',
    subject: { kind: 'session', id: 'a'.repeat(26) } as const,
    type: 'Session',
    id: 'a'.repeat(26),
    resource: { resourceType: 'Session', turns: 1 },
    names: {},
    provenance: { source: 'chat', actor: 'user:ana' },
    eventId: 'session-1',
  };
}

/** To its end: a log that is far away answers what it has, and nothing only when there is no more. */
async function drained(log: EventLog, partition: number): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for (;;) {
    const records = await log.read(partition, (all.at(-1)?.offset ?? -1) + 1, 1_000);
    if (records.length === 0) return all;
    all.push(...records);
  }
}
