import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ask, readDocument } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';

/** FHIR in over HTTP, and out again as documents and as the records themselves. */
const SYNTHEA = new URL('../../shared/data/fhir/synthea-3.3.0/', import.meta.url);
const FILES = [
  'hospitalInformation1788220800000.json.gz',
  'practitionerInformation1788220800000.json.gz',
  'Mitch821_O_Conner199_c77a398a-8833-c57d-65dd-2b96d64a9cd8.json.gz',
];
const SECTIONS = ['profile', 'coverage', 'clinical'] as const;

interface Receipt {
  readonly accepted: number;
  readonly members: readonly { readonly member: string; readonly patient: string }[];
  readonly position: string;
  readonly eventId: string;
}

let server: TestServer;
let mitch: string;
let member: string;
let receipt: Receipt;

async function take(bundle: string | Uint8Array<ArrayBuffer>): Promise<Receipt> {
  const response = await server.importBundle(bundle);
  const text = await response.text();
  assert.equal(response.status, 201, text);
  const taken = JSON.parse(text) as Receipt;
  assert.equal(response.headers.get('position'), taken.position);
  return taken;
}

before(async () => {
  server = await startServer({ env: { DEMO: 'off' } });
  for (const file of FILES)
    receipt = await take(gunzipSync(await readFile(new URL(file, SYNTHEA))));
  member = receipt.members[0]?.member ?? '';
  await server.relations('touch', `member:${member}#self@user:mitch`);
  mitch = await server.token('mitch');
});
after(() => server.stop());

/** URIs of facts, anywhere in a document. */
function factUris(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(factUris);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'uri' && typeof inner === 'string' ? [inner] : factUris(inner),
  );
}

const uriOf = (section: string): string => `mcp://twins/member/${member}/${section}`;
const minPosition = () => ({ 'io.digital-twin/minPosition': receipt.position });

test('B-IN-1: a real transaction bundle is taken whole, and its documents can be read', async () => {
  assert.ok(receipt.accepted > 100, `${receipt.accepted} records`);
  assert.equal(receipt.members.length, 1);
  for (const section of SECTIONS) {
    const document = await readDocument(server, mitch, uriOf(section), minPosition());
    assert.equal(document.section, section);
    assert.ok(JSON.stringify(document.data).length > 300, section);
  }
  const { data } = await readDocument(server, mitch, uriOf('profile'));
  assert.match(JSON.stringify(data), /Mitch821/);
  const response = await server.fetch(mitch, `/v1/twins/member/${member}/clinical`);
  const etag = String(response.headers.get('etag'));
  assert.equal(response.status, 200);
  const again = await server.fetch(mitch, `/v1/twins/member/${member}/clinical`, {
    headers: { 'if-none-match': etag },
  });
  assert.equal(again.status, 304);
});

test('B-TW-2: each fact names a source document, which is read by its own URI', async () => {
  const uris = new Set<string>();
  for (const section of SECTIONS) {
    for (const uri of factUris((await readDocument(server, mitch, uriOf(section))).data)) {
      uris.add(uri);
    }
  }
  assert.ok(uris.size > 30, `${uris.size} sources`);
  for (const uri of uris) {
    const [, type, id] = /^mcp:\/\/twins\/member\/[^/]+\/\w+\/(\w+)\/([\w-]+)$/.exec(uri) ?? [];
    const { data, etag } = await readDocument(server, mitch, uri);
    const resource = data.resource as { resourceType: string; id: string };
    assert.deepEqual([resource.resourceType, resource.id], [type, id], uri);
    assert.deepEqual(data.provenance, { source: 'test' });
    assert.match(etag, /^"[\w-]{22}"$/);
  }
});

test('B-IN-4: no reference of a real member is left unresolved', async () => {
  const { data } = await readDocument(server, mitch, uriOf('clinical'));
  const kinds = new Map<string, number>();
  for (const uri of factUris(data)) {
    const text = JSON.stringify((await readDocument(server, mitch, uri)).data);
    for (const [, reference = ''] of text.matchAll(/"reference":"([^"]*)"/g)) {
      assert.match(reference, /^(#[\w-]+|[A-Z]\w+\/[A-Za-z0-9-]{1,64})$/, uri);
      const kind = reference.split('/')[0] ?? '';
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      if (kind === 'Patient') assert.equal(reference, `Patient/${member}`);
    }
  }
  for (const kind of ['Patient', 'Encounter']) assert.ok(kinds.get(kind), kind);
});

const SYSTEM = 'https://people.example/ids';

function practitioner(id: string, family: string) {
  const identifier = [{ system: SYSTEM, value: `${id}-number` }];
  return { resourceType: 'Practitioner', id, identifier, name: [{ family, given: ['Pat'] }] };
}

function medication(id: string, subject: string, requester: string) {
  return {
    resourceType: 'MedicationRequest',
    id,
    status: 'active',
    intent: 'order',
    medicationCodeableConcept: { text: `Medication of ${id}` },
    subject: { reference: subject },
    requester: { reference: requester },
  };
}

test('B-IN-4: within the bundle, by identifier, and to the directory; names are copied in', async () => {
  await take(bundleOf(practitioner('pat-one', 'Direct'), practitioner('pat-two', 'Conditional')));
  const urn = 'urn:uuid:0f0e0d0c-0b0a-4908-8706-050403020100';
  const put = (resource: { resourceType: string; id: string }, fullUrl: string) => ({
    fullUrl,
    resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
  });
  const entry = [
    put(medication('m-direct', urn, 'Practitioner/pat-one'), 'urn:uuid:1'),
    put(
      medication('m-conditional', urn, `Practitioner?identifier=${SYSTEM}|pat-two-number`),
      'urn:uuid:2',
    ),
    put(patient('ref-member'), urn),
  ];
  const taken = await take(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));
  assert.deepEqual(taken.members, [{ member: 'ref-member', patient: 'ref-member' }]);
  await server.relations('touch', 'member:ref-member#self@user:rex');
  const rex = await server.token('rex');
  const uri = 'mcp://twins/member/ref-member/clinical';
  const meta = { 'io.digital-twin/minPosition': taken.position };
  const clinical = await readDocument(server, rex, uri, meta);
  const medications = clinical.data.medications as { title: string; prescriber: string }[];
  assert.deepEqual(
    Object.fromEntries(medications.map(({ title, prescriber }) => [title, prescriber])),
    { 'Medication of m-direct': 'Pat Direct', 'Medication of m-conditional': 'Pat Conditional' },
  );
  const { data } = await readDocument(server, rex, `${uri}/MedicationRequest/m-conditional`);
  const resource = data.resource as Record<string, { reference: string }>;
  assert.equal(resource.subject?.reference, 'Patient/ref-member');
  assert.equal(resource.requester?.reference, 'Practitioner/pat-two');
});

for (const [what, subject, requester] of [
  ['an identifier that nobody carries', 'Patient/ref-none', `Practitioner?identifier=${SYSTEM}|no`],
  ['a place in the bundle that is not there', 'urn:uuid:not-there', 'Practitioner/pat-one'],
] as const) {
  test(`B-IN-4: ${what} refuses the bundle whole`, async () => {
    const bundle = bundleOf(patient('ref-none'), medication('m-none', subject, requester));
    const response = await server.importBundle(bundle);
    assert.equal(response.status, 422);
    const { error } = (await response.json()) as { error: { data: { entry: number } } };
    assert.equal(error.data.entry, 1);
    await server.relations('touch', 'member:ref-none#self@user:rex');
    const uri = 'mcp://twins/member/ref-none/profile';
    const { message } = await ask(server, await server.token('rex'), 'resources/read', { uri });
    assert.equal(message.error?.code, -32602, 'nothing of it was stored');
  });
}

test('B-IN-1: the same idempotency key gets the same receipt, and has no second effect', async () => {
  const bearer = await server.token('operator', { scope: 'sources:write' });
  const send = async (body: string) => {
    const headers = { 'content-type': 'application/fhir+json', 'idempotency-key': 'once-and-only' };
    const response = await server.fetch(bearer, '/v1/sources', { method: 'POST', headers, body });
    assert.equal(response.status, 201);
    return (await response.json()) as Receipt;
  };
  const first = await send(bundleOf(patient('twice')));
  const second = await send(bundleOf(patient('twice', { gender: 'male' })));
  assert.deepEqual(second, first);
});

test('B-MC-2: a read says how long it may be held: privately, and never past the token', async () => {
  const uri = uriOf('coverage');
  const { message, answer } = await ask(server, mitch, 'resources/read', { uri });
  const { ttlMs, cacheScope, _meta } = message.result as Record<string, unknown>;
  assert.equal(cacheScope, 'private');
  assert.ok(Number(ttlMs) > 1_000 && Number(ttlMs) <= 60_000, String(ttlMs));
  assert.equal(answer.headers['cache-control'], 'no-store');
  const meta = _meta as Record<string, unknown>;
  const { etag, position } = await readDocument(server, mitch, uri);
  assert.deepEqual(
    [meta['io.digital-twin/etag'], meta['io.digital-twin/position']],
    [etag, position],
  );
  const brief = await server.token('mitch', { ttlSeconds: 3 });
  const soon = await ask(server, brief, 'resources/read', { uri });
  const left = Number(soon.message.result?.ttlMs);
  assert.ok(left >= 0 && left <= 3_000, `${left}`);
  const now = await ask(server, mitch, 'resources/read', { uri: 'mcp://twins/changes/now' });
  assert.equal(now.message.result?.ttlMs, 0);
  const plain = await server.fetch(mitch, `/v1/twins/member/${member}/coverage`);
  assert.match(plain.headers.get('cache-control') ?? '', /^private, max-age=\d+$/);
});
