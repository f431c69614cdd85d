import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { tracesOf } from '../../../test/support/traces.ts';
import { sleep } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import { controlRecord, FORGOTTEN, LEGAL_HOLD } from '../../twin/control.ts';
import { bundleOf, condition, patient, submission } from '../test/bundles.ts';
import type { KafkaClient } from './client.ts';
import { committedRecords } from './committed-records.rig.ts';
import { createKafkaClient } from './create.ts';
import { compactingSpecsOf, newLog, specsOf } from './kafka-log.rig.ts';
import { topicNames } from './topics.ts';

/** A member who is forgotten on topics that Kafka really compacts, with a second decider beside. */

const COMPACTED_WITHIN_MS = 90_000;
const MARK = 'ZEBRAQUARTZ';

const folder = mkdtempSync(join(tmpdir(), 'twin-forgotten-'));
let client: KafkaClient;
let prefix: string;
let first: Awaited<ReturnType<typeof newLog>>;
let second: Awaited<ReturnType<typeof newLog>>;

before(async () => {
  const shared = await sharedKafka();
  prefix = shared.prefix;
  client = createKafkaClient({ brokers: [shared.address], clientId: 'forgotten' }, 'platformatic');
  const compacted = compactingSpecsOf(prefix);
  await client.admin.create(compacted);
  first = await newLog(client, prefix, join(folder, 'first'));
  await first.start();
  second = await newLog(client, prefix, join(folder, 'second'));
  await second.start();
});
after(async () => {
  await second.stop();
  await first.stop();
  await client.admin.remove(specsOf(prefix).map(({ topic }) => topic));
  await client.close();
  await rm(folder, { recursive: true });
});

const say = (
  of: typeof FORGOTTEN | typeof LEGAL_HOLD,
  member: string,
  says: Record<string, string> | null,
) =>
  second.intake.submitRecord(
    controlRecord(of, { tenant: 'demo', member, says, actor: 'ops', eventId: randomId() }),
  );

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof Fault ? `${error.code} ${String(error.data.reason ?? '')}` : 'none';
}

const member = (mark: string) =>
  bundleOf(
    patient('ana', { identifier: [{ system: 'mrn', value: `${mark}-mrn` }] }),
    condition('c1', 'ana', `${mark}-text`),
  );

test('B-RT-1: on Kafka a member is forgotten by every decider, and compaction leaves no byte', async () => {
  await first.intake.submitBundle(submission(member(MARK)));
  await first.intake.submitBundle(submission(member(`${MARK}2`)));
  await say(LEGAL_HOLD, 'ana', { reason: 'case 7', since: '2026-11-30' });
  assert.equal(await codeOf(say(FORGOTTEN, 'ana', { date: 'x' })), 'CONFLICT legal-hold');
  await say(LEGAL_HOLD, 'ana', null);
  assert.ok((await marked('sources')) > 0, 'the search finds what is there');
  await say(FORGOTTEN, 'ana', { date: '2026-11-30' });
  await compaction();
  await first.purge();
  await second.purge();
  assert.deepEqual(await tracesOf(folder, [MARK]), []);
  assert.equal(
    await codeOf(second.intake.submitBundle(submission(member('LATER')))),
    'REFUSED_INPUT forgotten-member',
  );
});

test('B-RT-2: a decider that knows nothing but the topics refuses whom they forgot', async () => {
  await second.stop();
  await first.stop();
  second = await newLog(client, prefix, join(folder, 'third'));
  await second.start();
  assert.equal(
    await codeOf(second.intake.submitBundle(submission(member('LATER')))),
    'REFUSED_INPUT forgotten-member',
  );
  await say(FORGOTTEN, 'ana', null);
  assert.ok((await second.intake.submitBundle(submission(member('BACK')))).accepted > 0);
  first = await newLog(client, prefix, join(folder, 'first'));
  await first.start();
});

/** Segments roll when something is written, so something else is, until what was said is gone. */
async function compaction(): Promise<void> {
  const deadline = Date.now() + COMPACTED_WITHIN_MS;
  for (let round = 1; ; round += 1) {
    const more = Array.from({ length: 24 }, (_, at) =>
      patient(`roll-${at}`, { language: `${round}` }),
    );
    await first.intake.submitBundle(submission(bundleOf(...more)));
    const counts = await Promise.all([marked('sources'), marked('decider'), marked('directory')]);
    if (counts.every((count) => count === 0)) return;
    assert.ok(Date.now() < deadline, `Kafka has compacted all of it: ${counts.join(', ')}`);
    await sleep(500);
  }
}

/** How many records of the topic still hold something of the member. */
async function marked(name: 'sources' | 'decider' | 'directory'): Promise<number> {
  const topic = topicNames(prefix)[name];
  const records = await committedRecords(client, topic);
  const texts = records.map(({ key, value }) => `${String(key)} ${String(value)}`);
  return texts.filter((text) => text.includes(MARK)).length;
}
