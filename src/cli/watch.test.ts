import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTwinClient, TwinError, type Watched, type WatchState } from '../sdk/index.ts';
import { etagOf } from './rig/fake-mcp.ts';
import { type FakeTwin, startFakeTwin } from './rig/fake-twin.ts';
import { run } from './rig/run.ts';

const COVERAGE = 'mcp://twins/member/demo-ana/coverage';
const PROFILE = 'mcp://twins/member/demo-ana/profile';

async function withFake(use: (fake: FakeTwin, dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'twin-watch-'));
  const fake = await startFakeTwin(dataDir);
  fake.mcp.change(COVERAGE);
  fake.mcp.change(PROFILE);
  try {
    await use(fake, dataDir);
  } finally {
    await fake.stop();
    await rm(dataDir, { recursive: true });
  }
}

/** Collects, and lets a test wait for the n-th. */
function collector<T>() {
  const items: T[] = [];
  let wake = (): void => undefined;
  return {
    items,
    add(item: T) {
      items.push(item);
      wake();
    },
    async until(holds: (items: readonly T[]) => boolean): Promise<void> {
      while (!holds(items)) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

test(
  'a change while the stream was away is told once it is back, and only once',
  { timeout: 15_000 },
  () =>
    withFake(async (fake, dataDir) => {
      const stop = new AbortController();
      const told = collector<Watched>();
      const states = collector<WatchState>();
      const client = createTwinClient({ url: fake.url, token: 'token-x' });
      const listening = (count: number) => (all: readonly WatchState[]) =>
        all.filter(({ state }) => state === 'listening').length === count;
      const watching = client.watch([COVERAGE, PROFILE], told.add, {
        signal: stop.signal,
        onState: states.add,
      });
      await states.until(listening(1));
      fake.mcp.change(COVERAGE);
      await told.until(({ length }) => length === 1);
      const { changes, documents } = fake.mcp;
      await fake.stop();
      await states.until((all) => all.some(({ state }) => state === 'away'));
      const next = await startFakeTwin(dataDir, Number(new URL(fake.url).port));
      for (const [uri, version] of documents) next.mcp.documents.set(uri, version);
      next.mcp.changes.push(...changes);
      next.mcp.change(PROFILE);
      next.mcp.change(PROFILE);
      await states.until(listening(2));
      next.mcp.change(COVERAGE);
      await told.until(({ length }) => length === 3);
      const seen = told.items.map(({ uri, etag }) => [uri, etag]);
      assert.deepEqual(seen, [
        [COVERAGE, etagOf(2)],
        [PROFILE, etagOf(3)],
        [COVERAGE, etagOf(3)],
      ]);
      stop.abort();
      await watching;
      await client.close();
      await next.stop();
    }),
);

test('a token that is refused ends the watch', { timeout: 15_000 }, () =>
  withFake(async (fake) => {
    const client = createTwinClient({ url: fake.url, token: 'wrong' });
    await assert.rejects(
      client.watch([COVERAGE], () => undefined),
      (error) => error instanceof TwinError && error.code === 'UNAUTHENTICATED',
    );
  }),
);

test('watch prints one line a change until it is interrupted', { timeout: 15_000 }, () =>
  withFake(async (fake, dataDir) => {
    const stop = new AbortController();
    let changed = false;
    const change = setInterval(() => {
      // Once the stream stands: what came before the watch is not told.
      if (fake.mcp.headers.some(({ method }) => method === 'subscriptions/listen')) {
        if (!changed) fake.mcp.change(COVERAGE);
        changed = true;
      }
    }, 10);
    const { exit, out } = await run(dataDir, ['watch', COVERAGE, '--json', '--as', 'ana'], {
      signal: stop.signal,
      onOut: () => stop.abort(),
    });
    clearInterval(change);
    assert.equal(exit, 0);
    assert.equal((JSON.parse(out) as Watched).etag, etagOf(2));
  }),
);
