import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, callTool, readDocument } from './support/ask.ts';
import { bundleOf } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { etagOf, listen } from './support/streams.ts';

/**
 * Dov has protected records. He and Dr. Eve, whom he lets, see the full variant; the nurse sees the
 * general one, and nothing that she can do tells her whether there is another.
 */
const DOV = 'mcp://twins/member/demo-dov';
const CLINICAL = `${DOV}/clinical`;
const PROTECTED = [
  'Condition/dov-opioid-use',
  'MedicationRequest/dov-buprenorphine',
  'Encounter/dov-visit-treatment',
  'Observation/dov-drug-screen-2026-07-13',
].map((name) => `${CLINICAL}/${name}`);
// "F11" alone is found in one random identifier of some hundreds.
const WORDS = /opioid|buprenorphine|\bF11\.\d|drug.screen|visit-treatment|eob-treatment|Opiates/i;
const SECTIONS = ['profile', 'coverage', 'clinical'] as const;

let server: TestServer;
let dov: string;
let eve: string;
let nurse: string;
let ana: string;

before(async () => {
  server = await startServer();
  [dov, eve, nurse, ana] = await Promise.all([
    server.token('dov'),
    server.token('eve'),
    server.token('nurse'),
    server.token('ana'),
  ]);
});
after(() => server.stop());

test('B-TW-1: profile, coverage and clinical of every demo member, each in both variants', async () => {
  for (const member of ['ana', 'ben', 'cleo', 'dov']) {
    const guardian = await server.token(member);
    if (member === 'cleo') await server.relations('touch', 'member:demo-cleo#self@user:cleo');
    for (const section of SECTIONS) {
      const uri = `mcp://twins/member/demo-${member}/${section}`;
      const [full, general] = [
        await readDocument(server, guardian, uri),
        await readDocument(server, nurse, uri),
      ];
      for (const document of [full, general]) {
        assert.equal(document.uri, uri);
        assert.equal(document.section, section);
        assert.match(document.etag, /^"[\w-]{22}"$/);
        assert.ok(Object.keys(document.data).length > 2, uri);
      }
      assert.notEqual(full.etag, general.etag);
      assert.deepEqual(full.notices, []);
      assert.equal(general.notices.length, 1);
    }
  }
});

test('B-TW-4: who sees the full variant sees the same, and only they see what is protected', async () => {
  const [own, doctor, other] = await Promise.all(
    [dov, eve, nurse].map((token) => readDocument(server, token, CLINICAL)),
  );
  assert.deepEqual(doctor?.data, own?.data);
  assert.equal(doctor?.etag, own?.etag);
  assert.match(JSON.stringify(own?.data), WORDS);
  assert.doesNotMatch(JSON.stringify(other), WORDS);
  assert.deepEqual(Object.keys(other?.data ?? {}), Object.keys(own?.data ?? {}));
});

test('B-TW-4: the general variant says one sentence, of whom so ever', async () => {
  const notices = await Promise.all(
    ['ana', 'ben', 'cleo', 'dov'].flatMap((member) =>
      SECTIONS.map(async (section) => {
        const uri = `mcp://twins/member/demo-${member}/${section}`;
        return (await readDocument(server, nurse, uri)).notices;
      }),
    ),
  );
  for (const said of notices) assert.deepEqual(said, notices[0]);
});

test('B-TW-4: a protected record looks absent, to reads and to subscriptions', async () => {
  for (const uri of PROTECTED) {
    assert.match(JSON.stringify((await readDocument(server, eve, uri)).data), /dov-/);
    const absent = uri.replace(/dov-[\w-]+$/, 'dov-none');
    const [one, two] = await Promise.all(
      [uri, absent].map(async (name) => {
        const { answer } = await ask(server, nurse, 'resources/read', { uri: name });
        return answer.text.replaceAll(name, 'URI').replace(/"[^"]*correlationId":"\w+"/, '');
      }),
    );
    assert.equal(one, two);
    const stream = await listen(server, nurse, [uri, absent]);
    assert.equal(stream.acknowledged.length, 2, 'both alike');
    assert.deepEqual(stream.told, []);
    stream.close();
  }
});

test('B-TW-4: search, chat and readDocument of the general variant count without it', async () => {
  const query = 'opioid dependence buprenorphine F11.20 drug screen';
  const full = await callTool(server, eve, 'search', { query, member: 'demo-dov', limit: 50 });
  assert.match(full.text, WORDS);
  const general = await callTool(server, nurse, 'search', { query, member: 'demo-dov', limit: 50 });
  assert.doesNotMatch(JSON.stringify(general), WORDS);
  const [ofDov, ofAna] = await Promise.all(
    ['demo-dov', 'demo-ana'].map(async (member) => {
      const found = await callTool(server, nurse, 'search', { query: 'buprenorphine', member });
      return [found.text, found.structured];
    }),
  );
  assert.deepEqual(ofDov, ofAna, 'as of somebody who has none');
  const message = 'Does he take buprenorphine?';
  const chat = await callTool(server, nurse, 'chat', { message, member: 'demo-dov' });
  assert.equal(chat.failed, false);
  assert.doesNotMatch(JSON.stringify(chat), WORDS);
  const args = { uri: CLINICAL, view: 'card', budget: 100, format: 'json' };
  const read = await callTool(server, nurse, 'readDocument', args);
  assert.doesNotMatch(JSON.stringify(read), WORDS);
  const shown = JSON.stringify((await readDocument(server, nurse, CLINICAL)).data);
  const omitted = read.structured.omitted as { what: string }[];
  for (const { what } of omitted) {
    const [, count, block] = /^(\d+) of (\w+)$/.exec(what) ?? [];
    const whole = (JSON.parse(shown) as Record<string, unknown[]>)[block ?? ''];
    // An empty list is one part.
    if (Array.isArray(whole)) assert.ok(Number(count) <= Math.max(1, whole.length), what);
  }
});

test('B-TW-4: lists and feeds of the general variant name no protected record', async () => {
  const [list, feed] = await Promise.all([
    ask(server, nurse, 'resources/list', {}),
    ask(server, nurse, 'resources/read', { uri: 'mcp://twins/changes/start' }),
  ]);
  assert.ok(list.answer.text.includes(CLINICAL));
  assert.doesNotMatch(list.answer.text, WORDS);
  assert.doesNotMatch(feed.answer.text, WORDS);
  const own = await ask(server, dov, 'resources/read', { uri: 'mcp://twins/changes/start' });
  assert.match(own.answer.text, WORDS);
});

let version = 0;

async function change(id: string, text: string, isProtected: boolean): Promise<string> {
  version += 1;
  const lastUpdated = new Date(Date.UTC(2026, 10, 1) + version * 1_000).toISOString();
  const label = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' };
  const condition = {
    resourceType: 'Condition',
    id,
    meta: { lastUpdated, ...(isProtected && { security: [label] }) },
    subject: { reference: 'Patient/demo-dov' },
    code: { text },
  };
  const response = await server.importBundle(bundleOf(condition));
  const answer = (await response.json()) as { position: string };
  assert.equal(response.status, 201);
  return answer.position;
}

const at = (position: string) => ({ 'io.digital-twin/minPosition': position });

test('P1, B-TW-4: a protected change is told to the full variant alone, and moves no other etag', async () => {
  for (const token of [dov, nurse]) await readDocument(server, token, CLINICAL);
  const before = await readDocument(server, nurse, CLINICAL);
  const secret = `${CLINICAL}/Condition/dov-secret`;
  const [own, other] = [
    await listen(server, dov, [CLINICAL, secret]),
    await listen(server, nurse, [CLINICAL, secret]),
  ];
  const position = await change('dov-secret', 'Something private', true);
  await own.heard(2);
  assert.deepEqual(new Set(own.told.map(({ uri }) => uri)), new Set([CLINICAL, secret]));
  const after = await readDocument(server, nurse, CLINICAL, at(position));
  assert.equal(after.etag, before.etag);
  assert.equal(after.asOf, before.asOf);
  const plain = await change('dov-plain', 'Hay fever', false);
  await other.heard(1);
  const { etag } = await readDocument(server, nurse, CLINICAL, at(plain));
  assert.deepEqual(
    other.told.map(({ uri, meta }) => [uri, etagOf(meta)]),
    [[CLINICAL, etag]],
    'the first that she is told of is the plain one',
  );
  for (const stream of [own, other]) stream.close();
});

test('P1: who loses the consent falls back to the general variant, with the stream open', async () => {
  const consent = 'member:demo-dov#sensitive_consent@user:nurse';
  await server.relations('touch', consent);
  await readDocument(server, nurse, CLINICAL);
  const stream = await listen(server, nurse, [CLINICAL]);
  const first = await change('dov-secret', 'Something private, changed', true);
  const full = (await readDocument(server, nurse, CLINICAL, at(first))).etag;
  await stream.heardOf(full);
  assert.equal(full, (await readDocument(server, dov, CLINICAL, at(first))).etag);
  await server.relations('delete', consent);
  const told = stream.told.length;
  await stream.heard(told + 1);
  const fallen = (await readDocument(server, nurse, CLINICAL)).etag;
  assert.equal(etagOf(stream.told.at(-1)?.meta ?? {}), fallen, 'it is told what it falls back to');
  const second = await change('dov-secret', 'Something private, changed again', true);
  assert.doesNotMatch(
    JSON.stringify(await readDocument(server, nurse, CLINICAL, at(second))),
    /priv/,
  );
  const third = await change('dov-plain', 'Hay fever, worse', false);
  const general = (await readDocument(server, nurse, CLINICAL, at(third))).etag;
  await stream.heardOf(general);
  assert.equal(stream.told.length, told + 2, 'of the private change she heard nothing');
  stream.close();
});

test('P1: a caller without permission learns no more of Dov than of nobody', async () => {
  const answers = await Promise.all(
    ['demo-dov', 'demo-none'].map(async (member) => {
      const uri = `mcp://twins/member/${member}/clinical/Condition/dov-opioid-use`;
      const { answer } = await ask(server, ana, 'resources/read', { uri });
      return answer.text.replaceAll(member, 'MEMBER').replace(/"[^"]*correlationId":"\w+"/, '');
    }),
  );
  assert.equal(answers[0], answers[1]);
});

test('P1: a token for one section lists, hears and follows that section alone', async () => {
  const scope = 'twin:read:coverage twin:subscribe';
  const narrow = await server.token('dov', { scope });
  const coverage = `${DOV}/coverage`;
  const stream = await listen(server, narrow, [
    coverage,
    CLINICAL,
    `${CLINICAL}/Condition/dov-plain`,
  ]);
  assert.deepEqual(stream.acknowledged, [coverage]);
  const feed = await ask(server, narrow, 'resources/read', { uri: 'mcp://twins/changes/start' });
  assert.ok(feed.answer.text.includes(`${DOV}/coverage`));
  assert.ok(!feed.answer.text.includes(CLINICAL));
  const { message } = await ask(server, narrow, 'resources/read', { uri: CLINICAL });
  assert.equal(message.error?.data?.code, 'INSUFFICIENT_SCOPE');
  const silent = await server.token('dov', { scope: 'twin:read' });
  const refused = await listen(server, silent, [coverage]);
  assert.deepEqual([refused.status, refused.acknowledged], [403, []]);
  stream.close();
});
