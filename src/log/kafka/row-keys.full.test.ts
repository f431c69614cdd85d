import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { sleep } from '../../kernel/clock.ts';
import { openDatabase } from '../../kernel/sqlite.ts';
import type { LogUnderTest } from '../log-suite.rig.ts';
import {
  bundleOf,
  collectionOf,
  condition,
  patient,
  practitioner,
  submission,
} from '../test/bundles.ts';
import { captureWrites } from './capture.ts';
import type { KafkaClient, KafkaMessage, KafkaRecord } from './client.ts';
import { committedRecords } from './committed-records.rig.ts';
import { createKafkaClient } from './create.ts';
import { compactingSpecsOf, newLog } from './kafka-log.rig.ts';
import { knowledge } from './restore.rig.ts';
import { stateRowOf } from './row-keys.ts';
import { topicNames } from './topics.ts';

/** Rows of the decider on a Kafka that really compacts, and that soon forgets tombstones. */

const COMPACTED_WITHIN_MS = 90_000;
/** Plan numbers, which rows of identifiers are named by. */
const NUMBER = /TELLING-\d/;

const folder = mkdtempSync(join(tmpdir(), 'twin-row-keys-'));
const made: string[] = [];
let address = '';
let client: KafkaClient;
/** Of a test that failed. */
const running = new Set<LogUnderTest>();

before(async () => {
  ({ address } = await sharedKafka());
  client = createKafkaClient({ brokers: [address], clientId: 'row-keys' }, 'platformatic');
});
after(async () => {
  for (const log of running) await log.stop();
  await client.admin.remove(made);
  await client.close();
  await rm(folder, { recursive: true });
});

/** A log of its own; deciders by name, each with a file of its own. */
async function stage() {
  const { prefix } = await sharedKafka();
  const specs = compactingSpecsOf(prefix, 100);
  made.push(...specs.map(({ topic }) => topic));
  await client.admin.create(specs);
  const { decider: topic } = topicNames(prefix);
  const dirOf = (name: string): string => join(folder, `${prefix}${name}`);
  return {
    topic,
    async open(name: string) {
      const log = await newLog(client, prefix, dirOf(name));
      await log.start();
      running.add(log);
      return log;
    },
    async close(log: LogUnderTest) {
      running.delete(log);
      await log.stop();
    },
    /** Of one that has stopped. */
    knownBy(name: string) {
      const db = openDatabase(join(dirOf(name), 'decider.db'), 'NORMAL');
      try {
        const { keys } = captureWrites(db);
        const count = (table: string): number =>
          Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count);
        const rows = [...keys.keys()].reduce((sum, table) => sum + count(table), 0);
        assert.equal(count('row_keys'), rows, 'each row is known by its key on Kafka');
        return knowledge(db);
      } finally {
        db.close();
      }
    },
    /** Everything that the topic still holds. */
    records: () => committedRecords(client, topic),
  };
}

const plan = (...values: string[]) => ({
  identifier: values.map((value) => ({ system: 'urn:plan', value })),
});

/** Of whom it is, by a plan number. */
const byPlan = (id: string, value: string) => ({
  ...condition(id, 'ana', 'Gout'),
  subject: { reference: `Patient?identifier=urn:plan|${value}` },
});

/** Rows come, change and go: of TELLING-1 none is left, nor of who waits for `late`. */
async function live({ intake }: LogUnderTest): Promise<void> {
  const first = [patient('ana', plan('TELLING-1', 'TELLING-2')), practitioner('dr', 'Moss')];
  await intake.submitBundle(submission(bundleOf(...first)));
  await intake.submitBundle(submission(collectionOf(condition('c3', 'late', 'Gout'))));
  await intake.submitBundle(submission(bundleOf(patient('ana', plan('TELLING-2')))));
  await intake.submitBundle(submission(bundleOf(patient('late'), practitioner('dr', 'Stone'))));
}

/** Whoever decides knows whose plan number is TELLING-2, and nobody's is TELLING-1. */
async function decidesAsBefore({ intake }: LogUnderTest): Promise<void> {
  const known = await intake.submitBundle(submission(collectionOf(byPlan('c5', 'TELLING-2'))));
  assert.deepEqual([known.accepted + known.unchanged, known.waiting], [1, 0]);
  const gone = await intake.submitBundle(submission(collectionOf(byPlan('c6', 'TELLING-1'))));
  assert.deepEqual([gone.accepted, gone.waiting], [0, 1], 'a deletion was lost');
}

/** Segments roll when something is written, so something is, until nothing of it is left. */
async function compacted(
  { intake }: LogUnderTest,
  { records }: Awaited<ReturnType<typeof stage>>,
  left: (record: KafkaRecord) => boolean,
): Promise<void> {
  const deadline = Date.now() + COMPACTED_WITHIN_MS;
  for (let round = 1; ; round += 1) {
    await intake.submitBundle(submission(bundleOf(condition('roll', 'ana', `Round ${round}`))));
    const still = (await records()).filter(left).length;
    if (still === 0) return;
    assert.ok(Date.now() < deadline, `Kafka has not compacted the topic: ${still}`);
    await sleep(500);
  }
}

test('P4: a standby that takes over after deletions, and one that knows compacted topics alone, know of none of what went', async () => {
  const on = await stage();
  const first = await on.open('first');
  const standby = await on.open('standby');
  await live(first);
  await compacted(first, on, ({ value }) => String(value).includes('TELLING-1'));
  await on.close(first);
  await decidesAsBefore(standby);
  const fresh = await on.open('fresh');
  await on.close(standby);
  await decidesAsBefore(fresh);
  await on.close(fresh);
  // The one that led last has seen the conditions once more, by events of their own.
  const own = ['seen', 'waiting', 'needs', 'row_keys'];
  const said = (name: string) =>
    Object.entries(on.knownBy(name)).filter(([table]) => !own.includes(table));
  assert.deepEqual(said('fresh'), said('standby'));
});

test('P9: a topic whose keys told is written anew by whoever leads next: nothing is lost, doubled or told', async () => {
  const on = await stage();
  const first = await on.open('first');
  await live(first);
  await on.close(first);
  const before = on.knownBy('first');
  await asBefore(on.topic, await on.records());
  const keys = async () => (await on.records()).map(({ key }) => String(key));
  assert.ok(
    (await keys()).some((key) => NUMBER.test(key)),
    'the control',
  );

  const second = await on.open('second');
  await compacted(second, on, ({ key }) => !String(key).startsWith('r1.'));
  for (const key of await keys()) assert.doesNotMatch(key, NUMBER);
  const standby = await on.open('standby');
  await on.close(second);
  await decidesAsBefore(standby);
  await on.close(standby);
  const { identifiers, names, members } = on.knownBy('standby');
  const were = before as Record<string, unknown>;
  assert.deepEqual(identifiers, were.identifiers);
  assert.deepEqual(names, were.names);
  assert.deepEqual(members, were.members);
});

/** What stands there now, as a version wrote it whose keys named the rows. */
async function asBefore(topic: string, records: readonly KafkaRecord[]): Promise<void> {
  const last = new Map(records.map((record) => [String(record.key), record]));
  const messages = [...last].flatMap(([name, { value }]): KafkaMessage[] => {
    const state = stateRowOf(name, value && String(value));
    if (state === null) return [];
    const to = { topic, partition: 0 };
    const key = Buffer.from(JSON.stringify([state.table, ...state.key]));
    return [
      { ...to, key: Buffer.from(name), value: null },
      { ...to, key, value: Buffer.from(JSON.stringify(state.row)) },
    ];
  });
  const producer = client.producer({ transactionalId: `${topic}.before` });
  await producer.open();
  const transaction = await producer.begin();
  await transaction.send(messages);
  await transaction.commit();
  await producer.close();
}
