import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../kernel/clock.ts';
import type { SourceRecord, View } from '../../twin/ports.ts';
import { type Dated, retain } from './retain.ts';

const DAY_MS = 24 * 3_600_000;
const NOW = Date.parse('2026-11-30T00:00:00Z');
const clock = { ...systemClock, now: () => NOW };

function dated(...daysOld: number[]): Dated & { readonly left: () => string[] } {
  let names = daysOld.map((days) => ({ name: `${days}d`, createdAtMs: NOW - days * DAY_MS }));
  return {
    list: () => Promise.resolve(names),
    remove(gone) {
      names = names.filter(({ name }) => !gone.includes(name));
      return Promise.resolve();
    },
    left: () => names.map(({ name }) => name),
  };
}

function viewWith(...held: string[]): Pick<View, 'shards'> {
  const records = held.map((id) => ({
    ...{ tenant: 'demo', subject: { kind: 'member', id }, provenance: { recorded: '', actor: '' } },
  }));
  const shard = { controls: () => records as unknown as SourceRecord[] };
  return { shards: () => [shard as unknown as ReturnType<View['shards']>[number]] };
}

function parts(...held: string[]) {
  let compacted = 0;
  const compact = () => {
    compacted += 1;
    return Promise.resolve();
  };
  const [snapshots, backups] = [dated(1, 25), dated(40, 50, 36, 2)];
  const broken = dated(2_193, 2_000);
  const cases = () => broken;
  const view = viewWith(...held);
  const given = { view, compact, cases, snapshots, backups, clock };
  return { given, broken, compacted: () => compacted };
}

const due = (steps: readonly { store: string; due?: number; deleted: number }[], store: string) => {
  const step = steps.find((one) => one.store === store);
  return [step?.due, step?.deleted];
};

test('B-RT-6: a dry run says what is due and deletes nothing; then it is deleted', async () => {
  const { given, compacted } = parts();
  const dry = await retain(given, 'demo', true);
  assert.deepEqual(due(dry.steps, 'snapshots'), [1, 0]);
  assert.deepEqual(due(dry.steps, 'backups'), [3, 0]);
  assert.equal(compacted(), 0);
  const done = await retain(given, 'demo', false);
  assert.deepEqual(due(done.steps, 'snapshots'), [1, 1]);
  assert.deepEqual(due(done.steps, 'backups'), [3, 3]);
  assert.deepEqual([given.snapshots.left(), given.backups.left()], [['1d'], ['2d']]);
  assert.equal(compacted(), 1);
});

test('B-RT-6: the newest backup stays, however old, and all of them while anybody is held', async () => {
  const { given } = parts('ana');
  const report = await retain(given, 'demo', false);
  assert.equal(report.holds, 1);
  assert.equal(given.backups.left().length, 4);
  assert.match(report.steps.find(({ store }) => store === 'backups')?.says ?? '', /legal hold/);
  const old = { ...parts().given, backups: dated(50, 90) };
  await retain(old, 'demo', false);
  assert.deepEqual(old.backups.left(), ['50d']);
});

test('B-BG-6: a case goes after six years, and while anybody is held not even then', async () => {
  const held = parts('ana');
  await retain(held.given, 'demo', false);
  assert.deepEqual(held.broken.left(), ['2193d', '2000d']);
  const { given, broken } = parts();
  assert.deepEqual(due((await retain(given, 'demo', true)).steps, 'break-glass cases'), [1, 0]);
  await retain(given, 'demo', false);
  assert.deepEqual(broken.left(), ['2000d']);
});
