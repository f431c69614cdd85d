import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { GroupCommit } from './group-commit.ts';
import type { StorableRecord } from './store.ts';

const record = (body: string): StorableRecord => ({ body, at: 0, members: [] });
const unavailable = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'AUDIT_UNAVAILABLE';
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class TestClock implements Clock {
  ms = 0;
  readonly #tasks = new Set<{ at: number; task: () => void }>();
  now = (): number => this.ms;
  monotonic = (): number => this.ms;
  after(delayMs: number, task: () => void) {
    const timer = { at: this.ms + delayMs, task };
    this.#tasks.add(timer);
    return { cancel: () => void this.#tasks.delete(timer) };
  }
  advance(ms: number): void {
    this.ms += ms;
    for (const { at, task } of [...this.#tasks]) if (at <= this.ms) task();
  }
}

test('a disk that hangs refuses who waits, and whoever comes, until it is back', async () => {
  const clock = new TestClock();
  const written: string[] = [];
  const { promise: disk, resolve: back } = Promise.withResolvers<void>();
  const commits = new GroupCommit({
    clock,
    write: async (records) => {
      await disk;
      written.push(...records.map(({ body }) => body));
    },
    report: () => undefined,
  });
  const first = assert.rejects(commits.add(record('1')), unavailable);
  await turn();
  const second = assert.rejects(commits.add(record('2')), unavailable);
  clock.advance(5_000);
  await Promise.all([first, second]);
  await assert.rejects(commits.add(record('3')), unavailable);
  assert.equal(commits.healthy, false);
  back();
  await commits.drain();
  clock.advance(3_000);
  assert.equal(commits.healthy, true);
  await commits.add(record('4'));
  assert.deepEqual(written, ['1', '4']);
});

test('a batch that fails does not take the next one with it', async () => {
  const clock = new TestClock();
  let full = true;
  const reported: unknown[] = [];
  const commits = new GroupCommit({
    clock,
    write: () => (full ? Promise.reject(new Error('SQLITE_FULL')) : Promise.resolve()),
    report: (error) => reported.push(error),
  });
  const both = await Promise.allSettled([commits.add(record('1')), commits.add(record('2'))]);
  for (const one of both) assert.ok(one.status === 'rejected' && unavailable(one.reason));
  assert.equal(reported.length, 1, 'one fault, told once');
  full = false;
  await commits.add(record('3'));
});
