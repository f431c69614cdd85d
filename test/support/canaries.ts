import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { ask, callTool } from './ask.ts';
import type { TestServer } from './server.ts';
import { listen } from './streams.ts';

/** Records whose every text is a canary, which no log, key, header or label may ever hold. */
export const BIRTH_DATE = '1931-07-19';
export const CANARY = new RegExp(`CANARY\\d+|${BIRTH_DATE}`);

const DEMO = new URL('../../resources/demo/demo-dov.json', import.meta.url);
/** Elements whose text is the person's, not the standard's. */
const PERSONAL = new Set([
  ...['family', 'given', 'prefix', 'suffix', 'text', 'display', 'value', 'line', 'city', 'note'],
  ...['title', 'name', 'description', 'subscriberId', 'postalCode', 'comment', 'valueString'],
  ...['patientInstruction', 'disposition', 'state', 'data', 'network', 'lotNumber'],
]);

let planted = 0;

export function canary(): string {
  planted += 1;
  return `CANARY${planted}`;
}

export function canariesPlanted(): number {
  return planted;
}

function withCanaries(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => withCanaries(item, key));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withCanaries(v, k)]));
  }
  return typeof value === 'string' && PERSONAL.has(key) ? canary() : value;
}

export interface Bundle {
  readonly entry: { resource: Record<string, unknown>; fullUrl?: string; request: object }[];
}

/** The records of a demo member under another `Patient.id`, with a canary in each text. */
export async function canaryBundle(patient: string): Promise<Bundle> {
  const text = (await readFile(DEMO, 'utf8'))
    .replaceAll('demo-dov', patient)
    .replaceAll('"dov-', '"nine-')
    .replaceAll('/dov-', '/nine-');
  const bundle = withCanaries(JSON.parse(text)) as Bundle;
  const person = bundle.entry[0]?.resource;
  assert.equal(person?.resourceType, 'Patient');
  Object.assign(person, {
    birthDate: BIRTH_DATE,
    identifier: [{ system: 'http://hl7.org/fhir/sid/us-ssn', value: canary() }],
    telecom: [{ system: 'phone', value: canary() }],
    address: [{ line: [canary()], city: canary(), postalCode: canary() }],
    contact: [{ name: { family: canary() }, telecom: [{ system: 'email', value: canary() }] }],
  });
  for (const { resource } of bundle.entry) {
    if (resource.resourceType === 'Condition') resource.note = [{ text: canary() }];
  }
  return bundle;
}

/**
 * A member whose `Patient.id` is a canary too (`MEMBER_IDS=opaque`) comes in, is related, read,
 * listened to, changed, searched, spoken about with canaries, and refused. Answers the member's id.
 */
export async function liveWithCanaries(server: TestServer): Promise<string> {
  const patient = canary();
  const first = await server.importBundle(JSON.stringify(await canaryBundle(patient)), 'nine');
  const { members } = (await first.json()) as { members: { member: string }[] };
  assert.equal(first.status, 201);
  const member = members[0]?.member ?? assert.fail('no member');
  await server.relations(
    'touch',
    ...[`member:${member}#self@user:nina`, `member:${member}#delegate@user:paul`],
  );
  const nina = await server.token('nina');
  const uri = `mcp://twins/member/${member}/clinical`;
  const stream = await opened(server, nina, uri);
  const changed = JSON.stringify(await canaryBundle(patient)).replaceAll(
    '2026-10-01T',
    '2026-10-02T',
  );
  assert.equal((await server.importBundle(changed, 'nine')).status, 201);
  await stream.heard(1);
  stream.close();
  const read = await ask(server, nina, 'resources/read', { uri });
  assert.match(read.answer.text, CANARY, 'the record itself says it');
  for (const token of [nina, await server.token('ben')]) await askWithCanaries(server, token, uri);
  for (const wrong of [`${canary()} is no JSON`, JSON.stringify({ [canary()]: canary() })]) {
    assert.ok((await server.importBundle(wrong, 'nine')).status >= 400);
  }
  await server.relations('delete', `member:${member}#delegate@user:paul`);
  return member;
}

/** A grant is known everywhere a moment after it was written. */
async function opened(server: TestServer, token: string, uri: string) {
  for (let tries = 0; ; tries += 1) {
    const stream = await listen(server, token, [uri]);
    if (stream.acknowledged.length > 0) return stream;
    stream.close();
    assert.ok(tries < 100, 'the grant is not known');
  }
}

async function askWithCanaries(server: TestServer, token: string, uri: string): Promise<void> {
  for (const [name, args] of [
    ['search', { query: canary() }],
    ['search', { query: BIRTH_DATE, member: canary() }],
    ['readDocument', { uri, focus: canary() }],
    ['readDocument', { uri: `${uri}/${canary()}` }],
    ['chat', { message: canary() }],
    ['chat', { message: `born ${BIRTH_DATE}`, member: canary() }],
  ] as const) {
    await callTool(server, token, name, args).catch(() => undefined);
  }
  await ask(server, token, canary(), {});
  await ask(server, token, 'resources/list', { cursor: canary() });
  for (const path of [`/v1/search?q=${canary()}`, `/v1/twins/member/${canary()}/clinical`]) {
    await server.fetch(token, `${path}#${canary()}`, { headers: { baggage: canary() } });
  }
}

/** The metrics and the log of a server at its most talkative hold no canary, and no ids as labels. */
export async function assertQuiet(server: TestServer, member: string): Promise<void> {
  const admin = await server.token('operator', { scope: 'admin' });
  const metrics = await (await server.fetch(admin, '/metrics')).text();
  assert.match(metrics, /digital_twin_http_request_seconds/);
  assert.doesNotMatch(metrics, new RegExp(`${CANARY.source}|${member}|nina|"demo`));
  const lines = server.output().split('\n');
  assert.deepEqual(
    lines.filter((line) => CANARY.test(line)),
    [],
  );
}
