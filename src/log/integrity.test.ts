import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { systemClock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import { Damage } from '../kernel/sqlite.ts';
import { damageOf } from './damaged.ts';
import { createEmbeddedLog, type EmbeddedLog, LogDamaged } from './embedded.ts';
import { openLogDatabase } from './schema.ts';
import { bundleOf, condition, patient, submission } from './test/bundles.ts';

/** F18: what is not as it was written is noticed, at the start and whenever it is read. */
const folder = mkdtempSync(join(tmpdir(), 'twin-damage-'));
after(() => rm(folder, { recursive: true }));

const SAID = submission(bundleOf(patient('ana'), condition('c1', 'ana', 'Asthma')));
const MORE = submission(bundleOf(condition('c2', 'ana', 'Gout')));
const told: unknown[] = [];

async function opened(dataDir: string): Promise<EmbeddedLog> {
  const keys = { memberIdKey: new Uint8Array(32), etagKey: new Uint8Array(32) };
  const rules = { memberIds: 'patient-id', ...keys } as const;
  const onError = (error: unknown) => void told.push(error);
  const log = createEmbeddedLog({ ...rules, dataDir, clock: systemClock, onError });
  told.length = 0;
  try {
    await log.start();
  } catch (error) {
    await log.stop();
    throw error;
  }
  return log;
}

async function written(): Promise<{ dataDir: string; path: string }> {
  const dataDir = mkdtempSync(join(folder, 'log-'));
  const log = await opened(dataDir);
  await log.intake.submitBundle(SAID);
  await log.stop();
  return { dataDir, path: join(dataDir, 'log.db') };
}

function change(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

const refusal = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'LOG_UNAVAILABLE' && error.data.readOnly === true;

const EDITS = [
  "UPDATE records SET body = replace(body, 'Asthma', 'Asthna')",
  'UPDATE records SET at = at + 1',
  'DELETE FROM records WHERE offset = 1',
];

for (const sql of EDITS) {
  test(`F18: the log is only read, and said to be damaged: ${sql}`, async () => {
    const { dataDir, path } = await written();
    change(path, sql);
    const log = await opened(dataDir);
    assert.equal(log.log.damaged, true);
    assert.deepEqual(
      told.map((error) => error instanceof LogDamaged),
      [true],
    );
    assert.equal((await log.relations.read(0, 10)).length, 1, 'who may read what is whole');
    await assert.rejects(log.log.read(0, 0, 10), refusal);
    await assert.rejects(log.intake.submitBundle(MORE), refusal);
    await assert.rejects(log.relations.append([], 'x'), refusal);
    await log.stop();
    assert.match(damageOf(path) ?? '', /not as it was written|missing/);
  });
}

test('F18: without whole relations nobody can say who may read: it does not start', async () => {
  const { dataDir, path } = await written();
  change(path, "UPDATE relations SET body = replace(body, 'ana', 'bob')");
  await assert.rejects(opened(dataDir), ({ cause }: Error) =>
    String(cause).includes('who may read what with it: stop the server, put a backup'),
  );
});

test('F18: damage that is met while it runs is handed to nobody, and ends the taking', async () => {
  const { dataDir, path } = await written();
  const log = await opened(dataDir);
  const partitions = Array.from({ length: log.log.partitions }, (_, part) => part);
  change(path, EDITS[0] ?? '');
  const read = await Promise.allSettled(partitions.map((one) => log.log.read(one, 0, 10)));
  const [failed] = read.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  assert.ok(refusal(failed), String(failed));
  assert.equal(log.log.damaged, true);
  assert.deepEqual(
    told.map((error) => error instanceof LogDamaged),
    [true],
    'once',
  );
  await assert.rejects(log.intake.submitBundle(MORE), refusal);
  await log.stop();
});

test('F18: a log from before there were digests gets its own, once', async () => {
  const { dataDir, path } = await written();
  const drop = (table: string) => `ALTER TABLE ${table} DROP COLUMN digest;`;
  change(path, drop('records') + drop('relations'));
  assert.equal(damageOf(path), undefined);
  const log = await opened(dataDir);
  assert.deepEqual([log.log.damaged, told], [false, []]);
  await log.intake.submitBundle(MORE);
  await log.stop();
  change(path, 'UPDATE records SET digest = NULL WHERE offset = 0');
  assert.throws(() => openLogDatabase(path), Damage);
});
