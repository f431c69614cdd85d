import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, callTool, readDocument } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession, type RawSession, type RawStream } from './support/streams.ts';

/**
 * Protected records come in while somebody listens who may not know of them: a delegate, who reads the
 * general variant. In one go, on every surface and in both eras, nothing may be different for her.
 */
const SECTIONS = ['profile', 'coverage', 'care', 'clinical', 'financial'] as const;
const MEMBER = 'mcp://twins/member/hidden';
const OTHER = 'mcp://twins/member/other/clinical';
const URIS = [...SECTIONS.map((section) => `${MEMBER}/${section}`), OTHER];
const PROTECTED = ['Condition/secret', 'Observation/secret-load', 'MedicationRequest/secret-drug'];
const HIV = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }];

let server: TestServer;
let hana: string;
let del: string;
let session: RawSession;
let streams: Readonly<Record<'2026' | '2025', RawStream>>;
let control: RawStream;
let cursor: string;

const about = (id: string, more: object): Record<string, unknown> => ({
  id,
  subject: { reference: 'Patient/hidden' },
  ...more,
});
const condition = (id: string, text: string, more: object = {}) =>
  about(id, { resourceType: 'Condition', code: { text }, ...more });

before(async () => {
  server = await startServer({ env: { DEMO: 'off' } });
  const asthma = condition('plain', 'Asthma');
  await imported(patient('hidden'), asthma, patient('other'));
  const people = ['member:hidden#delegate@user:del', 'member:other#delegate@user:del'];
  await server.relations('touch', 'member:hidden#self@user:hana', ...people);
  [hana, del] = [await server.token('hana'), await server.token('del')];
  const feed = await readDocument(server, del, 'mcp://twins/changes/now');
  cursor = String(feed.data.next);
  session = await openSession(server, del);
  for (const uri of URIS)
    assert.ok((await session.send('resources/subscribe', { uri })).result, uri);
  streams = { 2026: await listen(server, del, URIS), 2025: await session.push() };
  assert.deepEqual([...streams[2026].acknowledged].sort(), [...URIS].sort());
  control = await listen(server, hana, [`${MEMBER}/clinical`]);
});
after(() => server.stop());

/** Imported, and in the view. */
async function imported(...records: readonly Record<string, unknown>[]): Promise<void> {
  const answer = await server.importBundle(bundleOf(...records));
  const text = await answer.text();
  assert.equal(answer.status, 201, text);
  const { position } = JSON.parse(text) as { position: string };
  const meta = { 'io.digital-twin/minPosition': position };
  await readDocument(server, await server.token('hana'), 'mcp://twins/changes/now', meta);
}

/**
 * Without what is of one request alone: its id, and how far the log stood when it was answered, in a
 * partition that a member shares with others and that moves with any record of theirs.
 */
const neutral = (text: string): string =>
  text
    .replace(/(correlationId\\*":\\*")\w+/g, '$1')
    .replace(/((?:next|position)\\*":\\*")[\w-]+/g, '$1')
    // A feed is as of when it was asked for; a document, of when it last changed.
    .replace(/(asOf\\*":\\*")[^"\\]+(\\*",\\*"section\\*":\\*"changes)/g, '$1$2');

async function plain(path: string): Promise<string> {
  const answer = await server.fetch(del, path);
  const { headers } = answer;
  const kept = ['etag', 'withheld', 'content-length'].map((name) => headers.get(name));
  return `${answer.status} ${kept.join()} ${await answer.text()}`;
}

const modern = async (method: string, params: Record<string, unknown>): Promise<string> =>
  (await ask(server, del, method, params)).answer.text;
const old = async (method: string, params: Record<string, unknown>): Promise<string> =>
  JSON.stringify(await session.send(method, params));
const tool = (name: string, args: object) => ['tools/call', { name, arguments: args }] as const;
const idsOf = (value: string) =>
  [
    'completion/complete',
    {
      ref: { type: 'ref/resource', uri: 'mcp://twins/member/{memberId}/{section}' },
      argument: { name: 'memberId', value },
    },
  ] as const;

/** What the feed lists, whole: with where in the log each change stands. */
async function changesListed(): Promise<unknown[]> {
  const pages = [];
  for (const from of ['start', cursor]) {
    const answer = await server.fetch(del, `/v1/changes?cursor=${from}`);
    const { changes, more } = (await answer.json()) as { changes: object[]; more: boolean };
    pages.push({ changes, more });
  }
  return pages;
}

/** Everything that the delegate can ask, by name, with the answer as it came. */
async function everything(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const asked: (readonly [string, Record<string, unknown>])[] = [
    ...[...URIS, ...PROTECTED.map((name) => `${MEMBER}/clinical/${name}`)].map(
      (uri) => ['resources/read', { uri }] as const,
    ),
    ['resources/read', { uri: 'mcp://twins/changes/start' }],
    ['resources/read', { uri: `mcp://twins/changes/${cursor}` }],
    ['resources/list', {}],
    ['resources/templates/list', {}],
    ...['asthma', 'secretword', 'HIV', 'secretword asthma'].flatMap((query) => [
      tool('search', { query, member: 'hidden' }),
      tool('search', { query, limit: 1 }),
    ]),
    tool('readDocument', { uri: `${MEMBER}/clinical`, view: 'detail', focus: 'secretword' }),
    ...['hid', 'hidden', ''].map(idsOf),
    ['prompts/get', { name: 'visit-prep', arguments: { member: 'hidden' } }],
  ];
  for (const [method, params] of asked) {
    const name = `${method} ${JSON.stringify(params)}`;
    found.set(`2026: ${name}`, neutral(await modern(method, params)));
    found.set(`2025: ${name}`, neutral(await old(method, params)));
  }
  for (const path of [
    ...SECTIONS.map((section) => `/v1/twins/member/hidden/${section}`),
    ...['secretword', 'asthma', 'HIV'].map((query) => `/v1/search?q=${query}&member=hidden`),
    ...['/v1/changes?cursor=start', `/v1/changes?cursor=${cursor}`],
  ]) {
    found.set(path, neutral(await plain(path)));
  }
  return found;
}

const PROTECTED_RECORDS = [
  condition('secret', 'Secretword infection', { meta: { security: HIV } }),
  about('secret-load', {
    ...{ resourceType: 'Observation', status: 'final', code: { text: 'Secretword load' } },
    ...{ meta: { security: HIV }, effectiveDateTime: '2026-10-01', valueString: 'high' },
  }),
  about('secret-drug', {
    ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order' },
    ...{ medicationCodeableConcept: { text: 'Secretword drug' }, authoredOn: '2026-10-01' },
    reasonReference: [{ reference: 'Condition/secret' }],
  }),
];

test('P1, B-TW-4: protected records come in: no event, etag, byte, feed, count or list is different', async () => {
  const [before, listed] = [await everything(), await changesListed()];
  assert.ok(
    [...before.values()].some((text) => text.includes('Asthma')),
    'she reads what she may',
  );
  // Whatever she was told of when she subscribed.
  const told = [streams[2026].told.length, streams[2025].told.length];
  await imported(...PROTECTED_RECORDS);
  await control.heard(1);
  const shown = await readDocument(server, hana, `${MEMBER}/clinical`);
  assert.match(JSON.stringify(shown.data), /Secretword/, 'who may sees them');
  const later = await everything();
  assert.deepEqual([...later.keys()], [...before.keys()]);
  for (const [name, text] of before) assert.equal(later.get(name), text, name);
  assert.deepEqual(await changesListed(), listed);
  assert.doesNotMatch([...later.values()].join(), /Secretword/);
  // An event that she may have, of what came after, stands for "no event" by order, not by waiting.
  const subject = { reference: 'Patient/other' };
  await imported({ ...condition('later', 'Eczema'), subject });
  for (const [index, stream] of [streams[2026], streams[2025]].entries()) {
    const earlier = told[index] ?? 0;
    await stream.heard(earlier + 1);
    const since = stream.told.slice(earlier).map(({ uri }) => uri);
    assert.deepEqual([...new Set(since)], [OTHER]);
    assert.equal(stream.ended, false);
  }
});

test('P1, B-TW-4: what is withheld by scope says the same of a member with and without protected records', async () => {
  const narrow = await server.token('del', { scope: 'twin:search twin:read:coverage' });
  const said = await Promise.all(
    ['hidden', 'other'].map(async (member) => {
      const { meta } = await callTool(server, narrow, 'search', { query: 'coverage', member });
      return meta['io.digital-twin/withheld'];
    }),
  );
  assert.ok(said[0] !== undefined, 'something is withheld');
  assert.deepEqual(said[0], said[1]);
});
