import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { BatchReportRow, BatchStatus } from '../../contract/eligibility-batches.ts';
import { systemClock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { AuditEntry, CheckItem, Principal } from '../../twin/ports.ts';
import { Stedi } from '../clearinghouse/stedi.ts';
import type { BatchClearinghouse, CheckOf, Outcome } from '../ports.ts';
import { type Simulator, startSimulator } from '../simulator/server.ts';
import { caller, storageOf, subjects } from './batch.rig.ts';
import { type BatchDesk, createBatchDesk } from './desk.ts';
import { BatchRunner, checkIdOf, type RunnerParts } from './runner.ts';
import type { BatchStorage } from './storage.ts';

const clock = systemClock;

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator({ clock, slots: 0, timeScale: 0 });
});
after(() => simulator.stop());

interface World {
  readonly desk: BatchDesk;
  readonly runner: BatchRunner;
  readonly audited: AuditEntry[];
  readonly facts: Map<string, string>;
}

function world(storage: BatchStorage, more: Partial<RunnerParts> = {}): World {
  const facts = new Map<string, string>();
  const audited: AuditEntry[] = [];
  const access = {
    check: async (_: Principal, items: readonly CheckItem[]) =>
      items.map(({ object }) => ({ allowed: object.id.startsWith('m'), revision: 'r' })),
  };
  const runner = new BatchRunner({
    ...{ storage, access, subjects, clock, pollMs: 2, perChunk: 60 },
    clearinghouse: new Stedi({ apiKey: 'test_key', clock, url: simulator.url }),
    facts: {
      async record({ member, checkId }: CheckOf, outcome: Outcome) {
        assert.equal(facts.has(checkId), false, 'one fact a row');
        facts.set(checkId, member);
        return { status: outcome.kind === 'answered' ? 'active' : 'unknown' };
      },
      processing: async () => ({ status: 'processing' }),
    },
    report: (error) => assert.fail(String(error)),
    ...more,
  });
  const audit = { append: async (entry: AuditEntry) => void audited.push(entry) };
  return {
    runner,
    audited,
    facts,
    desk: createBatchDesk({ storage, runner, access, audit, clock }),
  };
}

async function* body(rows: readonly object[]) {
  yield Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'));
}
const members = (count: number) => Array.from({ length: count }, (_, n) => ({ member: `m${n}` }));

async function ended(desk: BatchDesk, id: string): Promise<BatchStatus> {
  for (;;) {
    const status = await desk.status(caller(), id);
    if (status.state === 'completed') return status;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function reportOf(desk: BatchDesk, id: string, by = caller()): Promise<BatchReportRow[]> {
  const rows: BatchReportRow[] = [];
  for await (const page of await desk.report(by, id)) rows.push(...page);
  return rows;
}

test('B-EL-11: each row of a batch ends once, apart from the slots, and its answer becomes a fact', async () => {
  const { desk, runner, facts, audited } = world(storageOf());
  await runner.start();
  const odd = [{ member: 'x1' }, { member: 'm1' }, { member: 'm2', serviceDate: 'soon' }, {}];
  const rows = [...members(140), ...odd];
  const { batchId, rows: count } = await desk.submit(caller(), body(rows), 'ndjson');
  assert.equal(count, 144);
  const status = await ended(desk, batchId);
  assert.deepEqual(status.progress, {
    ...{ ended: 144, answered: 140, duplicates: 1, refused: 3, failed: 0, waiting: 0 },
  });
  assert.deepEqual(status.reasons, {
    'AAA 75': 1,
    'AAA 79': 1,
    'invalid: member': 1,
    'invalid: serviceDate': 1,
    'not-found': 1,
  });
  assert.equal(facts.size, 140);
  const report = await reportOf(desk, batchId);
  assert.equal(report.length, 144);
  assert.deepEqual(report[141], {
    ...{ row: 142, member: 'm1', state: 'same', sameAs: 2, status: 'active' },
    ...{ document: 'mcp://twins/member/m1/coverage', checkedAt: report[141]?.checkedAt },
    check: checkIdOf(batchId, 2),
  });
  assert.deepEqual([report[7]?.reason, report[13]?.reason], ['AAA 75', 'AAA 79']);
  assert.ok(audited.length >= 2);
  const control = await (await fetch(`${simulator.url}/_simulator`)).json();
  assert.equal((control as { checks: number }).checks, 0);
  await runner.stop();
});

test('B-EL-12: whenever an instance is stopped, the next goes on, and nothing is sent or told twice', async () => {
  const db = new DatabaseSync(':memory:');
  const stedi = new Stedi({ apiKey: 'test_key', clock, url: simulator.url });
  const sent = async () =>
    ((await (await fetch(`${simulator.url}/_simulator`)).json()) as { batchItems: number })
      .batchItems;
  const sentBefore = await sent();
  let calls = 0;
  let isOver = false;
  let current: World | undefined;
  const facts = new Map<string, string>();
  /** Every third call is the last of its instance: its answer is lost. */
  const lossy = <T>(answer: Promise<T>, lost: T): Promise<T> => {
    calls += 1;
    if (calls % 3 !== 0) return answer;
    return answer.then(() => {
      isOver = true;
      void current?.runner.stop();
      return lost;
    });
  };
  const clearinghouse: BatchClearinghouse = {
    submit: (...given) => lossy(stedi.submit(...given), { kind: 'unavailable' }),
    find: (...given) => stedi.find(...given),
    results: (...given) => lossy(stedi.results(...given), undefined),
    progress: (...given) => stedi.progress(...given),
  };
  const next = () => {
    current = world(storageOf(db), {
      perChunk: 25,
      clearinghouse,
      facts: {
        async record({ checkId, member }) {
          facts.set(checkId, member);
          return { status: 'active' };
        },
        processing: async () => ({ status: 'processing' }),
      },
    });
    return current;
  };
  const first = next();
  await first.runner.start();
  const { batchId } = await first.desk.submit(caller(), body(members(60)), 'ndjson');
  let state = 'running';
  for (let lives = 0; lives < 50 && state !== 'completed'; lives += 1) {
    await current?.runner.stop();
    isOver = false;
    const { runner, desk } = next();
    await runner.start();
    while (!isOver && state !== 'completed') {
      await new Promise((resolve) => setTimeout(resolve, 1));
      ({ state } = await desk.status(caller(), batchId));
    }
  }
  const { progress } = await (current as World).desk.status(caller(), batchId);
  assert.deepEqual([progress.answered, progress.waiting], [60, 0]);
  assert.equal(facts.size, 60);
  assert.equal((await sent()) - sentBefore, 60);
  await current?.runner.stop();
});

test('a batch is its caller’s alone, the same key is the same batch, and an empty one is none', async () => {
  const { desk, runner } = world(storageOf());
  await runner.start();
  const first = await desk.submit(caller(), body(members(1)), 'ndjson', 'key-12345');
  const again = await desk.submit(caller(), body(members(9)), 'ndjson', 'key-12345');
  assert.deepEqual([again.batchId, again.rows], [first.batchId, 1]);
  const other = await desk.submit(caller('eve'), body(members(1)), 'ndjson', 'key-12345');
  assert.notEqual(other.batchId, first.batchId);
  for (const work of [desk.status, desk.report]) {
    await assert.rejects(
      async () => work(caller('eve'), first.batchId),
      (error) => error instanceof Fault && error.code === 'NOT_FOUND',
    );
  }
  assert.deepEqual(
    (await desk.list(caller('eve'))).map(({ batchId }) => batchId),
    [other.batchId],
  );
  await assert.rejects(
    desk.submit(caller(), body([]), 'ndjson'),
    (error) => error instanceof Fault && error.code === 'INVALID_ARGUMENT',
  );
  await ended(desk, first.batchId);
  await runner.stop();
});

test('a member who was forgotten meanwhile costs the others nothing', async () => {
  const { desk, runner } = world(storageOf(), {
    facts: {
      async record({ member }) {
        if (member === 'm4') throw new Fault('REFUSED_INPUT');
        return { status: 'active' };
      },
      processing: async () => ({ status: 'processing' }),
    },
  });
  await runner.start();
  const { batchId } = await desk.submit(caller(), body(members(6)), 'ndjson');
  const { progress, reasons } = await ended(desk, batchId);
  assert.deepEqual([progress.answered, progress.failed, reasons['not-recorded']], [5, 1, 1]);
  await runner.stop();
});

test('an item that the clearinghouse refuses costs the others nothing', async () => {
  const stedi = new Stedi({ apiKey: 'test_key', clock, url: simulator.url });
  const { desk, runner } = world(storageOf(), {
    clearinghouse: {
      submit: (name, items) =>
        items.some(({ subscriber }) => subscriber.memberId === 'SIM3')
          ? Promise.resolve({ kind: 'refused', fields: ['/items.3.subscriber'] })
          : stedi.submit(name, items),
      find: (...given) => stedi.find(...given),
      results: (...given) => stedi.results(...given),
      progress: (...given) => stedi.progress(...given),
    },
  });
  await runner.start();
  const { batchId } = await desk.submit(caller(), body(members(6)), 'ndjson');
  const { progress, reasons } = await ended(desk, batchId);
  assert.deepEqual([progress.answered, progress.refused], [5, 1]);
  assert.equal(reasons['refused-by-clearinghouse'], 1);
  await runner.stop();
});
