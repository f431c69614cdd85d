/** What a purpose of use leaves of a twin, on every surface (45 CFR 164.502(b), minimum necessary). */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PURPOSES as CODES } from '../src/access/tokens/purposes.ts';
import { isObject } from '../src/kernel/json.ts';
import { MEMBER_DOCUMENTS } from '../src/twin/documents/registry.ts';
import { PURPOSES, purposeFor } from '../src/twin/purposes.ts';
import { ask, callTool, readDocument, resultOf } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen } from './support/streams.ts';

const MEMBER = 'mcp://twins/member/pia';
const PROFILE = `${MEMBER}/profile`;
const CLINICAL = `${MEMBER}/clinical`;
const WITHHELD = 'io.digital-twin/withheld';
const STREET = 'Quillfeather';

let server: TestServer;
let whole: string;
let payment: string;
let treatment: string;
let research: string;

const MORE = {
  gender: 'female',
  address: [{ line: [`7 ${STREET} Lane`], city: 'Springfield' }],
  telecom: [{ system: 'phone', value: '555-0177' }],
  maritalStatus: { text: 'Married' },
};

before(async () => {
  server = await startServer();
  const condition = {
    resourceType: 'Condition',
    id: 'pia-asthma',
    subject: { reference: 'Patient/pia' },
    code: { text: 'Asthma' },
  };
  const made = await server.importBundle(bundleOf(patient('pia', MORE), condition));
  assert.equal(made.status, 201);
  await server.relations('touch', 'member:pia#self@user:pia');
  [whole, payment, treatment, research] = await Promise.all([
    server.token('pia'),
    ...['HPAYMT', 'TREAT', 'HRESCH'].map((purpose) => server.token('pia', { purpose })),
  ] as [Promise<string>, Promise<string>, Promise<string>, Promise<string>]);
});
after(() => server.stop());

test('B-AG-1: the table judges each code that a token may claim, and no other', () => {
  assert.deepEqual(new Set(PURPOSES.keys()), CODES);
  const withMinimal = new Set(
    MEMBER_DOCUMENTS.filter(({ minimal }) => minimal !== undefined).map(({ section }) => section),
  );
  for (const [code, { sections }] of PURPOSES) {
    for (const [section, extent] of sections) {
      assert.ok(extent === 'all' || withMinimal.has(section), `${code}: ${section} has no minimum`);
    }
  }
  assert.equal(
    purposeFor({ purpose: 'NOBODYS' }).sections.size,
    0,
    'an unjudged one shows nothing',
  );
});

test('B-AG-1: a code that is unknown gives no token, and none is taken', async () => {
  await assert.rejects(server.token('pia', { purpose: 'PARTY' }), /v3-PurposeOfUse/);
});

test('B-AG-1: sections that a purpose does not need are refused, whoever asks', async () => {
  for (const [token, refused, read] of [
    [payment, ['care', 'clinical'], ['profile', 'coverage', 'financial']],
    [treatment, ['financial'], ['profile', 'coverage', 'care', 'clinical']],
    [research, ['profile', 'coverage', 'care', 'clinical', 'financial'], []],
  ] as const) {
    for (const section of refused) {
      for (const member of ['pia', 'demo-ana', 'nobody']) {
        const uri = `mcp://twins/member/${member}/${section}`;
        const { answer, message } = await ask(server, token, 'resources/read', { uri });
        assert.equal(message.error?.data?.code, 'PURPOSE_REFUSED', `${uri}: ${answer.text}`);
        const plain = await server.fetch(token, `/v1/twins/member/${member}/${section}`);
        assert.equal(plain.status, 403);
        assert.match(await plain.text(), /PURPOSE_REFUSED/);
      }
    }
    for (const section of read) await readDocument(server, token, `${MEMBER}/${section}`);
  }
});

test('B-AG-1: the minimal form has its own etag, the same on each surface, and its fields alone', async () => {
  const [open, least] = [
    await readDocument(server, whole, PROFILE),
    await readDocument(server, payment, PROFILE),
  ];
  assert.match(JSON.stringify(open.data), /Quillfeather/);
  assert.deepEqual(Object.keys(least.data), ['identity']);
  assert.doesNotMatch(JSON.stringify(least.data), /Quillfeather|555-0177|Married|uri/);
  const identity = least.data.identity;
  assert.equal(isObject(identity) && identity.birthDate, '1970-05-01');
  assert.notEqual(open.etag, least.etag);
  const plain = await server.fetch(payment, '/v1/twins/member/pia/profile');
  assert.deepEqual([plain.headers.get('etag'), await plain.json()], [least.etag, least]);
  const tool = await callTool(server, payment, 'readDocument', { uri: PROFILE, view: 'detail' });
  assert.equal(tool.structured.etag, least.etag);
  assert.doesNotMatch(tool.text, /Quillfeather|555-0177|Married/);
  const record = { uri: `${PROFILE}/Patient/pia` };
  const { message } = await ask(server, payment, 'resources/read', record);
  assert.equal(message.error?.data?.code, 'PURPOSE_REFUSED');
});

test('B-AG-1: search, chat, lists and feeds match and count nothing of what is not shown', async () => {
  const find = (token: string, query: string) =>
    callTool(server, token, 'search', { query, member: 'pia' });
  for (const hidden of [STREET, '555-0177', 'Springfield', 'Asthma']) {
    const found = await find(payment, hidden);
    assert.deepEqual([found.structured.results, found.structured.omitted], [[], 0], hidden);
  }
  const byName = await find(payment, 'Rivera');
  const [first] = byName.structured.results as { uri: string; etag: string }[];
  assert.equal(first?.uri, PROFILE);
  assert.equal(first?.etag, (await readDocument(server, payment, PROFILE)).etag);
  assert.doesNotMatch(JSON.stringify(byName), /Springfield|555-0177|Married/);
  const asthma = await find(treatment, 'asthma');
  assert.match(asthma.text, /Condition\/pia-asthma/);
  const message = 'Does she have asthma, and where does she live?';
  const chat = await callTool(server, payment, 'chat', { message, member: 'pia' });
  assert.doesNotMatch(JSON.stringify([chat.text, chat.structured]), /pia-asthma|Quillfeather/);
  for (const params of [
    await resultOf(server, payment, 'resources/list'),
    await resultOf(server, payment, 'resources/read', { uri: 'mcp://twins/changes/start' }),
  ]) {
    assert.match(JSON.stringify(params), /pia\/profile/);
    assert.doesNotMatch(JSON.stringify(params), /pia\/(clinical|care)|Patient\/pia/);
  }
});

test('B-AG-2: what purpose and scope narrowed is named, and is the same for every member', async () => {
  const byPurpose = [{ section: 'profile', shown: 'minimal', by: 'purpose' }];
  const read = await resultOf(server, payment, 'resources/read', { uri: PROFILE });
  assert.deepEqual((read._meta as Record<string, unknown>)[WITHHELD], byPurpose);
  const plain = await server.fetch(payment, '/v1/twins/member/pia/profile');
  assert.equal(plain.headers.get('withheld'), 'profile;shown=minimal;by=purpose');
  const narrow = await server.token('pia', {
    purpose: 'HPAYMT',
    scope: 'twin:read:profile twin:read:clinical twin:search',
  });
  for (const member of ['pia', 'demo-dov', 'nobody']) {
    const found = await callTool(server, narrow, 'search', { query: 'asthma', member });
    const told = found.failed ? undefined : found.meta[WITHHELD];
    assert.deepEqual(told, [
      ...byPurpose,
      { section: 'coverage', shown: 'nothing', by: 'scope' },
      { section: 'care', shown: 'nothing', by: 'scope' },
      { section: 'clinical', shown: 'nothing', by: 'purpose' },
      { section: 'financial', shown: 'nothing', by: 'scope' },
    ]);
  }
});

test('B-AG-2: without a purpose nothing is named, protected records or not', async () => {
  const [dov, nurse] = [await server.token('dov'), await server.token('nurse')];
  for (const token of [dov, nurse]) {
    for (const section of ['profile', 'clinical']) {
      const uri = `mcp://twins/member/demo-dov/${section}`;
      const read = await resultOf(server, token, 'resources/read', { uri });
      assert.equal((read._meta as Record<string, unknown>)[WITHHELD], undefined);
    }
    const found = await callTool(server, token, 'search', { query: 'x', member: 'demo-dov' });
    assert.equal(found.meta[WITHHELD], undefined);
  }
});

test('B-AG-1: streams and feeds tell of what is shown, and not of what is not', async () => {
  const uris = [PROFILE, CLINICAL, `${PROFILE}/Patient/pia`];
  const stream = await listen(server, payment, uris);
  assert.deepEqual(stream.acknowledged, [PROFILE]);
  const before = await readDocument(server, payment, PROFILE);
  const now = await server.fetch(payment, '/v1/changes?cursor=now');
  const { next } = (await now.json()) as { next: string };
  const related = {
    resourceType: 'RelatedPerson',
    id: 'pia-sister',
    patient: { reference: 'Patient/pia' },
    name: [{ family: 'Rivera', given: ['Sisi'] }],
  };
  const opened = await readDocument(server, whole, PROFILE);
  assert.equal((await server.importBundle(bundleOf(related))).status, 201);
  const changed = async () => (await readDocument(server, whole, PROFILE)).etag !== opened.etag;
  while (!(await changed())) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await readDocument(server, payment, PROFILE)).etag, before.etag);
  const quiet = await server.fetch(payment, `/v1/changes?cursor=${next}`);
  assert.deepEqual(((await quiet.json()) as { changes: unknown[] }).changes, []);
  const renamed = { ...MORE, name: [{ family: 'Rivera-Lane', given: ['Testa'] }] };
  assert.equal((await server.importBundle(bundleOf(patient('pia', renamed)))).status, 201);
  await stream.heard(1);
  assert.equal(stream.told.length, 1, 'the first it is told is the second change');
  const { etag } = await readDocument(server, payment, PROFILE);
  await stream.heardOf(etag);
  stream.close();
});
