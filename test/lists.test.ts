import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { LIMITS } from '../src/kernel/limits.ts';
import { ask, readDocument } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openSession, type RawSession } from './support/streams.ts';

/** One person who may read many members, among others of whom they may not. */
const SYNTHEA = new URL('../../shared/data/fhir/synthea-3.3.0/', import.meta.url);
const REAL = [
  'hospitalInformation1788220800000.json.gz',
  'practitionerInformation1788220800000.json.gz',
  'Olympia319_Fay398_2dd37182-28c6-a51c-7176-191560f6e346.json.gz',
  'Beatriz277_Jaramillo133_94addfa6-2ffb-482d-f989-58498df39474.json.gz',
];
const SYNTHETIC = Array.from({ length: 60 }, (_, n) => `list-${n}`);

let server: TestServer;
let lisa: string;
let session: RawSession;
let members: string[];

before(async () => {
  server = await startServer();
  const bundles = await Promise.all(
    REAL.map(async (file) => gunzipSync(await readFile(new URL(file, SYNTHEA)))),
  );
  const real: string[] = [];
  for (const bundle of bundles) {
    const response = await server.importBundle(bundle);
    const receipt = (await response.json()) as { members: { member: string }[] };
    real.push(...receipt.members.map(({ member }) => member));
  }
  assert.equal(real.length, 2);
  const response = await server.importBundle(bundleOf(...SYNTHETIC.map((id) => patient(id))));
  const { position } = (await response.json()) as { position: string };
  assert.equal(response.status, 201);
  members = [...real, ...SYNTHETIC.filter((_, n) => n % 4 !== 0)];
  await server.relations('touch', ...members.map((id) => `member:${id}#self@user:lisa`));
  lisa = await server.token('lisa');
  // An import is acknowledged once the log has it; the list shows what the view has.
  const meta = { 'io.digital-twin/minPosition': position };
  await readDocument(server, lisa, 'mcp://twins/changes/now', meta);
  session = await openSession(server, lisa);
});
after(() => server.stop());

interface Page {
  readonly resources: readonly { readonly uri: string; readonly name: string }[];
  readonly nextCursor?: string;
}

const ERAS: Readonly<Record<string, (cursor?: string) => Promise<Page>>> = {
  '2026-07-28': async (cursor) => {
    const { message } = await ask(server, lisa, 'resources/list', cursor ? { cursor } : {});
    return message.result as unknown as Page;
  },
  '2025 session': async (cursor) =>
    (await session.send('resources/list', cursor ? { cursor } : {})).result as unknown as Page,
};

async function pagesOf(list: (cursor?: string) => Promise<Page>): Promise<Page[]> {
  const pages = [await list()];
  for (;;) {
    const next = pages.at(-1)?.nextCursor;
    if (next === undefined) return pages;
    pages.push(await list(next));
  }
}

const urisOf = (pages: readonly Page[]): string[] =>
  pages.flatMap(({ resources }) => resources.map(({ uri }) => uri));

for (const [era, list] of Object.entries(ERAS)) {
  test(`B-MC-1: ${era}: all that may be read, page by page, and nothing else`, async () => {
    const pages = await pagesOf(list);
    assert.ok(pages.length > 1, 'more than one page');
    for (const { resources } of pages) assert.ok(resources.length <= LIMITS.pageSize);
    const uris = urisOf(pages);
    assert.equal(new Set(uris).size, uris.length, 'none twice');
    assert.deepEqual(uris, [...uris].sort(), 'in the order of URIs');
    const listed = new Set(uris.map((uri) => uri.split('/')[4] ?? ''));
    assert.deepEqual(listed, new Set(members));
    for (const member of members) {
      for (const section of ['profile', 'coverage', 'clinical']) {
        assert.ok(uris.includes(`mcp://twins/member/${member}/${section}`), `${member} ${section}`);
      }
    }
    assert.deepEqual(
      Object.keys(pages[0] ?? {}).filter((key) => /total|count/i.test(key)),
      [],
    );
  });
}

test('B-MC-1: both eras list the same, and each listed URI can be read', async () => {
  const [modern, legacy] = await Promise.all(Object.values(ERAS).map(pagesOf));
  const fields = (pages: readonly Page[] = []) => pages.flatMap(({ resources }) => resources);
  assert.deepEqual(fields(modern), fields(legacy));
  for (const uri of urisOf(modern ?? []).slice(0, 20)) {
    const { message } = await ask(server, lisa, 'resources/read', { uri });
    assert.ok(message.result, uri);
  }
});

test('B-MC-8: the feed from its start pages through the same, and through their sources', async () => {
  const seen = new Set<string>();
  const sizes: number[] = [];
  for (let cursor = 'start', more = true; more; ) {
    const { data } = await readDocument(server, lisa, `mcp://twins/changes/${cursor}`);
    const changes = data.changes as { uri: string; kind: string }[];
    sizes.push(changes.length);
    for (const { uri } of changes) seen.add(uri);
    cursor = String(data.next);
    more = data.more === true;
  }
  assert.ok(sizes.length > 3, `pages of ${sizes.join(', ')}`);
  const listed = urisOf(await pagesOf(ERAS['2026-07-28'] as () => Promise<Page>));
  assert.deepEqual(
    listed.filter((uri) => !seen.has(uri)),
    [],
  );
  const own = new Set(members);
  assert.deepEqual(
    [...seen].filter((uri) => !own.has(uri.split('/')[4] ?? '')),
    [],
  );
});

test('P10, B-MC-1: a cursor of somebody else, or changed, is refused, and shows nothing', async () => {
  const { nextCursor } = (await ERAS['2026-07-28']?.()) ?? {};
  assert.ok(nextCursor);
  const ana = await server.token('ana');
  const flipped = nextCursor.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'));
  const wrong = [
    [ana, nextCursor],
    [lisa, flipped],
    [lisa, 'mcp://twins/member/list-1/profile'],
    [lisa, ''],
  ] as const;
  for (const [token, cursor] of wrong) {
    const { message } = await ask(server, token, 'resources/list', { cursor });
    assert.equal(message.error?.code, -32602, JSON.stringify(message).slice(0, 200));
    assert.equal(message.result, undefined);
  }
  const { message } = await ask(server, ana, 'resources/list', {});
  const own = urisOf([message.result as unknown as Page]);
  assert.ok(own.length > 0 && own.every((uri) => uri.includes('/demo-ana/')));
});

test('P1, B-MC-1: what was revoked between two pages is not on the next', async () => {
  const first = await ERAS['2026-07-28']?.();
  const last = [...members].sort().at(-1) ?? '';
  await server.relations('delete', `member:${last}#self@user:lisa`);
  const rest = await pagesOf(
    (cursor) => ERAS['2026-07-28']?.(cursor ?? first?.nextCursor) as Promise<Page>,
  );
  const uris = urisOf(rest);
  assert.ok(uris.length > 0);
  assert.deepEqual(
    uris.filter((uri) => uri.includes(`/${last}/`)),
    [],
  );
  await server.relations('touch', `member:${last}#self@user:lisa`);
});

test('a token for one section lists that section alone', async () => {
  const token = await server.token('lisa', { scope: 'twin:read:coverage' });
  const { message } = await ask(server, token, 'resources/list', {});
  const { resources } = message.result as unknown as Page;
  assert.ok(resources.length >= members.length);
  assert.deepEqual(new Set(resources.map(({ name }) => name)), new Set(['coverage']));
});
