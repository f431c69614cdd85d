import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { ChangesPage } from '../contract/documents.ts';
import { changesOf, type FetchChanges } from './changes.ts';
import { TwinError } from './twin-error.ts';

const page = (next: string, ...uris: string[]): ChangesPage => ({
  changes: uris.map((uri) => ({ uri, position: 'p', kind: 'updated' as const })),
  ...{ next, more: false },
});

/** Answers one after the other; what was asked is written down. */
function answering(...answers: (ChangesPage | TwinError)[]) {
  const asked: [string, number][] = [];
  const end = new AbortController();
  const fetchPage: FetchChanges = (cursor, waitSeconds) => {
    asked.push([cursor, waitSeconds]);
    const answer = answers.shift();
    if (answer === undefined) end.abort();
    if (answer instanceof TwinError) return Promise.reject(answer);
    return Promise.resolve(answer ?? page('end'));
  };
  return { asked, fetchPage, signal: end.signal };
}

async function urisOf(pages: AsyncIterable<ChangesPage>): Promise<string[]> {
  const uris: string[] = [];
  for await (const { changes } of pages) uris.push(...changes.map(({ uri }) => uri));
  return uris;
}

test('P2: a place is taken first, and each page goes on from the one before', async () => {
  const { asked, fetchPage, signal } = answering(
    page('a'),
    page('b', 'u1'),
    page('c'),
    page('d', 'u2'),
  );
  assert.deepEqual(await urisOf(changesOf(fetchPage, { signal, waitMs: 1_500 })), ['u1', 'u2']);
  assert.deepEqual(asked, [
    ['now', 0],
    ['a', 2],
    ['b', 2],
    ['c', 2],
    ['d', 2],
  ]);
});

test('P2: a request that fails is made again from its place, ever later', async () => {
  const delays: number[] = [];
  mock.method(globalThis, 'setTimeout', (task: () => void, delayMs: number) => {
    delays.push(delayMs);
    queueMicrotask(task);
  });
  try {
    const away = Array.from({ length: 9 }, () => new TwinError('UNREACHABLE'));
    const { asked, fetchPage, signal } = answering(...away, page('b', 'u1'), ...away.slice(0, 1));
    assert.deepEqual(await urisOf(changesOf(fetchPage, { cursor: 'a', signal })), ['u1']);
    assert.ok(asked.slice(0, 10).every(([cursor]) => cursor === 'a'));
    for (const [index, delayMs] of delays.slice(0, 9).entries()) {
      const most = Math.min(250 * 2 ** index, 15_000);
      assert.ok(delayMs <= most && delayMs >= most / 2, `${index}: ${delayMs}`);
    }
    assert.ok((delays[9] ?? 0) <= 250, 'and soon again after an answer');
  } finally {
    mock.restoreAll();
  }
});

test('what is refused for good ends it, a gap is told, and without a wait it ends by itself', async () => {
  const refused = answering(new TwinError('INVALID_ARGUMENT'));
  await assert.rejects(urisOf(changesOf(refused.fetchPage, { cursor: 'x' })), TwinError);
  const gap = { ...page('b'), reset: true };
  const { fetchPage } = answering(gap, page('c', 'u1'), page('d'));
  const pages: ChangesPage[] = [];
  for await (const one of changesOf(fetchPage, { cursor: 'a', waitMs: 0 })) pages.push(one);
  assert.deepEqual(pages, [gap, page('c', 'u1')]);
  for (const waitMs of [-1, 30_001, Number.NaN]) {
    await assert.rejects(urisOf(changesOf(fetchPage, { waitMs })), { code: 'INVALID_ARGUMENT' });
  }
});
