import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { sleep } from '../../kernel/clock.ts';
import type { EventLog, LogRecord } from '../../twin/ports.ts';
import { recordKey } from '../../twin/subjects.ts';
import type { LogUnderTest } from '../log-suite.rig.ts';
import {
  bundleOf,
  collectionOf,
  condition,
  deletionOf,
  encounter,
  patient,
  practitioner,
  submission,
} from '../test/bundles.ts';
import type { KafkaClient } from './client.ts';
import { committedRecords } from './committed-records.rig.ts';
import { createKafkaClient } from './create.ts';
import { compactingSpecsOf, newLog, specsOf } from './kafka-log.rig.ts';
import { topicNames } from './topics.ts';

/** Topics that Kafka has really compacted, and a decider that knows nothing but them. */

const VERSIONS = 12;
const COMPACTED_WITHIN_MS = 90_000;

const folder = mkdtempSync(join(tmpdir(), 'twin-compacted-'));
let client: KafkaClient;
let prefix: string;
let first: LogUnderTest;
let stopped = false;

before(async () => {
  const shared = await sharedKafka();
  prefix = shared.prefix;
  client = createKafkaClient({ brokers: [shared.address], clientId: 'compacted' }, 'platformatic');
  const compacted = compactingSpecsOf(prefix);
  await client.admin.create(compacted);
  first = await newLog(client, prefix, join(folder, 'first'));
  await first.start();
});
after(async () => {
  if (!stopped) await first.stop();
  await client.admin.remove(specsOf(prefix).map(({ topic }) => topic));
  await client.close();
  await rm(folder, { recursive: true });
});

test('P4: from compacted topics alone a decider decides as one that was there', async () => {
  const { intake } = first;
  const once = submission(bundleOf(patient('ben')), { eventId: 'once' });
  const receipt = await intake.submitBundle(once);
  await intake.submitBundle(submission(collectionOf(condition('c9', 'nobody', 'Gout'))));
  for (let version = 1; version <= VERSIONS; version += 1) {
    const name = version % 2 === 0 ? 'Moss' : 'Stone';
    const records = [practitioner('dr', name), patient('ana'), encounter('e1', 'ana', 'dr')];
    const told = condition('c1', 'ana', `Version ${version}`);
    await intake.submitBundle(submission(bundleOf(...records, told)));
  }
  await intake.submitBundle(submission(deletionOf('Condition/c1')));
  await compaction();

  const second = await newLog(client, prefix, join(folder, 'second'));
  await second.start();
  try {
    assert.deepEqual(newest(await recordsOf(second.log)), newest(await recordsOf(first.log)));
    await first.stop();
    stopped = true;
    assert.deepEqual(await second.intake.submitBundle(once), receipt, 'it knows the event');
    const same = await second.intake.submitBundle(
      submission(bundleOf(patient('ana'), encounter('e1', 'ana', 'dr'))),
    );
    assert.deepEqual([same.accepted, same.unchanged], [0, 2]);
    const gone = await second.intake.submitBundle(submission(deletionOf('Condition/c1')));
    assert.equal(gone.unchanged, 1, 'it knows the tombstone');
    assert.equal((await second.intake.held('demo')).waiting.count, 1, 'it knows who waits');
    const arrival = await second.intake.submitBundle(submission(bundleOf(patient('nobody'))));
    assert.equal(arrival.resumed, 1);
  } finally {
    await second.stop();
  }
});

/** Segments roll when something is written, so something else is, until old versions are gone. */
async function compaction(): Promise<void> {
  const { sources, decider } = topicNames(prefix);
  const deadline = Date.now() + COMPACTED_WITHIN_MS;
  for (let round = 1; ; round += 1) {
    const more = ['ana', 'ben'].map((member) =>
      condition(`roll-${member}`, member, `Round ${round}`),
    );
    await first.intake.submitBundle(submission(bundleOf(...more)));
    const counts = await Promise.all([countOf(sources, 'Condition/c1'), countOf(decider, 'names')]);
    if (counts.every((count) => count <= 2)) return;
    assert.ok(Date.now() < deadline, `Kafka has compacted both topics: ${counts.join(', ')}`);
    await sleep(500);
  }
}

/** How many records of such keys the topic still holds. */
async function countOf(topic: string, key: string): Promise<number> {
  const records = await committedRecords(client, topic);
  return records.filter((record) => String(record.key).includes(key)).length;
}

async function recordsOf(log: EventLog): Promise<LogRecord[]> {
  await log.startAt([]);
  const partitions = Array.from({ length: log.partitions }, (_, partition) => partition);
  const lists = await Promise.all(
    partitions.map(async (partition) => {
      const all: LogRecord[] = [];
      for (;;) {
        const more = await log.read(partition, (all.at(-1)?.offset ?? -1) + 1, 1_000);
        if (more.length === 0) return all;
        all.push(...more);
      }
    }),
  );
  return lists.flat();
}

/** What compaction must keep: the last record of each key that is there. */
function newest(records: readonly LogRecord[]): LogRecord[] {
  const last = new Map(records.map((record) => [recordKey(record), record]));
  return [...last.values()].filter(({ resource }) => resource !== null);
}
