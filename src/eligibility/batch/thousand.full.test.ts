import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { objectsOf } from '../../twin/fhir/elements.ts';
import { VirtualClock } from '../broker/broker.rig.ts';
import { outcomeOfItem } from '../clearinghouse/outcome.ts';
import type { BatchClearinghouse } from '../ports.ts';
import { Batches } from '../simulator/batches.ts';
import { Known } from '../simulator/known.ts';
import { delayOf } from '../simulator/latency.ts';
import { seeded } from '../simulator/random.ts';
import { writeLegacy } from '../simulator/write-legacy.ts';
import { legacyBody } from '../stedi/requests.ts';
import { caller, storageOf, subjects } from './batch.rig.ts';
import { createBatchDesk } from './desk.ts';
import { BatchRunner } from './runner.ts';

/** The simulator's batches in virtual time, without HTTP. */
function clearinghouseIn(clock: VirtualClock): BatchClearinghouse {
  const random = seeded(3);
  const known = new Known();
  const stamp = { checkId: 'ec_1', traceId: 'T', control: '000000001', at: 0 };
  const batches = new Batches({
    clock,
    delayOf: () => delayOf('slow', random).ms,
    answer: (asked) => writeLegacy(asked, known.tell(asked), stamp),
    scale: () => 1,
  });
  return {
    async submit(name, items) {
      const body = items.map((item) => ({
        ...legacyBody(item),
        submitterTransactionIdentifier: item.reference ?? '',
      }));
      const { batchId } = batches.submit({ name, items: body });
      return { kind: 'submitted', batchId: String(batchId) };
    },
    find: async () => undefined,
    async results(id, token) {
      const page: JsonObject = batches.page(id, 200, token) ?? {};
      const results = objectsOf(page.items).map((item) => ({
        reference: String(item.submitterTransactionIdentifier),
        outcome: outcomeOfItem(item),
      }));
      return { results, ...(page.nextPageToken && { next: String(page.nextPageToken) }) };
    },
    async progress(id) {
      const { totalCount, successCount, status } = batches.status(id) ?? {};
      const counts = { total: Number(totalCount), done: Number(successCount) };
      return { ...counts, isComplete: status === 'COMPLETED' };
    },
  };
}

test('B-EL-15: a thousand members by batch take far less than 30 minutes, with slow payers', async (t) => {
  const clock = new VirtualClock();
  const storage = storageOf(new DatabaseSync(':memory:'));
  const access = {
    check: async (_: unknown, items: readonly unknown[]) =>
      items.map(() => ({ allowed: true, revision: 'r' })),
  };
  const runner = new BatchRunner({
    ...{ storage, access, subjects, clock, clearinghouse: clearinghouseIn(clock) },
    facts: {
      record: async () => ({ status: 'active' }),
      processing: async () => ({ status: 'processing' }),
    },
    report: (error) => assert.fail(String(error)),
  });
  const audit = { append: async () => undefined };
  const desk = createBatchDesk({ storage, runner, access, audit, clock });
  await runner.start();
  async function* body() {
    for (let n = 0; n < 1_000; n += 1) yield Buffer.from(`{"member":"m${n}"}\n`);
  }
  const { batchId } = await desk.submit(caller(), body(), 'ndjson');
  let seconds = 0;
  for (; seconds < 1_800; seconds += 5) {
    if ((await desk.status(caller(), batchId)).state === 'completed') break;
    await clock.advance(5_000);
  }
  const { state, progress } = await desk.status(caller(), batchId);
  t.diagnostic(`1,000 rows in ${seconds} simulated seconds`);
  assert.deepEqual([state, progress.answered], ['completed', 1_000]);
  await runner.stop();
});
