import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { KafkaClient } from '../src/log/kafka/client.ts';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import { topicNames, topicSpecs } from '../src/log/kafka/topics.ts';
import { openLogDatabase } from '../src/log/schema.ts';
import {
  bundleOf,
  collectionOf,
  condition,
  deletionOf,
  encounter,
  patient,
  practitioner,
} from '../src/log/test/bundles.ts';
import { replayLog } from '../src/log/transfer/index.ts';
import { sharedKafka } from './support/parts.ts';
import { openSpine } from './support/spine.ts';

/** Other than an embedded log has. */
const PARTITIONS = 5;
const clock = { now: () => Date.UTC(2026, 5, 1) };

for (const memberIds of ['patient-id', 'opaque'] as const) {
  describe(`a log is the same on Kafka and back, MEMBER_IDS=${memberIds}`, () => {
    let folder = '';
    let kafka: Parameters<typeof replayLog>[0]['kafka'];
    let prefix = '';
    let client: KafkaClient;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'replay-log-'));
      const shared = await sharedKafka();
      prefix = shared.prefix;
      const of = { topicPrefix: prefix, groupPrefix: prefix, client: 'platformatic' } as const;
      kafka = { brokers: [shared.address], ...of };
      client = createKafkaClient({ ...kafka, clientId: 'test' }, 'platformatic');
      const mine: string[] = Object.values(topicNames(prefix));
      const specs = topicSpecs({ prefix, partitions: PARTITIONS, replication: 1 });
      await client.admin.create(specs.filter(({ topic }) => mine.includes(topic)));
    });

    after(async () => {
      await client.admin.remove(Object.values(topicNames(prefix)));
      await client.close();
      await rm(folder, { recursive: true });
    });

    it('every etag is the same, and the decider goes on as if nothing had happened', async () => {
      const log = openLogDatabase(join(folder, 'log.db'));
      const first = openSpine({ memberIds, log });
      first.submit(bundleOf(practitioner('dr', 'Moss'), patient('ana'), patient('ben')));
      first.submit(bundleOf(encounter('e1', 'ana', 'dr'), condition('c1', 'ana', 'Gout')));
      first.submit(bundleOf(condition('c1', 'ana', 'Asthma', '2026-01-05T00:00:00Z')));
      first.submit(bundleOf(condition('c2', 'ben', 'Asthma')));
      first.submit(deletionOf('Condition/c2'));
      first.submit(collectionOf(condition('c3', 'late', 'Gout')));
      const twice = { eventId: 'twice' };
      first.submit(bundleOf(condition('c4', 'ben', 'Flu')), twice);
      const etags = first.etags();
      log.close();

      const between = { kafka, makeTopics: false, clock, memberIdKey: new Uint8Array(32).fill(7) };
      const sent = await replayLog({ ...between, dataDir: folder, into: 'kafka' });
      assert.ok(sent >= 7);
      await assert.rejects(
        replayLog({ ...between, dataDir: folder, into: 'kafka' }),
        /a log already/,
      );
      const back = await mkdtemp(join(folder, 'back-'));
      const received = await replayLog({ ...between, dataDir: back, into: 'data-dir' });
      assert.equal(received, sent);
      await assert.rejects(
        replayLog({ ...between, dataDir: back, into: 'data-dir' }),
        /a log already/,
      );

      const again = openLogDatabase(join(back, 'log.db'));
      const second = openSpine({ memberIds, log: again });
      assert.deepEqual(second.etags(), etags);
      assert.equal(second.submit(bundleOf(patient('ana'))).unchanged, 1);
      const old = bundleOf(condition('c1', 'ana', 'Old', '2026-01-04T00:00:00Z'));
      assert.equal(second.submit(old).stale, 1);
      assert.deepEqual(second.submit(bundleOf(condition('c4', 'ben', 'Other')), twice).places, []);
      assert.equal(second.submit(bundleOf(patient('late'))).resumed, 1);
      const told = second.changes.length;
      second.submit(bundleOf(practitioner('dr', 'Stone')));
      const uris = second.changes.slice(told).map(({ uri }) => uri);
      assert.ok(
        uris.some((uri) => uri.endsWith('/Encounter/e1')),
        'who mentions the name is told',
      );
      if (memberIds === 'patient-id') {
        assert.throws(() => second.submit(bundleOf(patient('ana')), { tenant: 'other' }));
      }
      again.close();
    });
  });
}
