import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ask, callTool } from './support/ask.ts';
import { CANARY, canariesPlanted, canary, canaryBundle } from './support/canaries.ts';
import { type RawAnswer, rawRequest } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession } from './support/streams.ts';

/**
 * Every text of a record is a canary. Whatever a client may do, no canary comes out where P9 forbids
 * it: in the log at its most talkative, the metrics, headers, errors and the audit trail.
 */
const MEMBER = 'nine-member';
const CLINICAL = `mcp://twins/member/${MEMBER}/clinical`;
let server: TestServer;
/** Errors whole, of everything else the headers. */
const watched: string[] = [];

before(async () => {
  server = await startServer({ env: { LOG_LEVEL: 'trace' } });
});
after(() => server.stop());

function watch({ status, headers, text }: RawAnswer): void {
  watched.push(JSON.stringify(headers));
  if (status >= 400 || /"error":|"isError":true/.test(text)) watched.push(text);
}

async function http(token: string, path: string, init: RequestInit = {}): Promise<void> {
  const response = await server.fetch(token, path, init);
  const headers = Object.fromEntries(response.headers);
  watch({ status: response.status, headers, text: await response.text() });
}

async function rpc(token: string, method: string, params: object): Promise<void> {
  watch((await ask(server, token, method, { ...params })).answer);
}

async function importing(body: string): Promise<number> {
  const response = await server.importBundle(body, 'nine');
  const headers = Object.fromEntries(response.headers);
  watch({ status: response.status, headers, text: await response.text() });
  return response.status;
}

/** Bundles that are refused, each with a canary where the reason lies. */
async function refusedBundles(): Promise<string[]> {
  const broken = [
    { gender: canary() },
    { birthDate: canary() },
    { id: canary().concat(' ') },
    { resourceType: canary() },
    { managingOrganization: { reference: `Organization?identifier=x|${canary()}` } },
    { generalPractitioner: [{ reference: `Practitioner/${canary()}` }] },
    { name: canary() },
    { meta: { lastUpdated: canary() } },
    { deceasedBoolean: canary() },
  ];
  const bundles: string[] = [];
  for (const change of broken) {
    const bundle = await canaryBundle(MEMBER);
    Object.assign(bundle.entry[0]?.resource ?? {}, change);
    bundles.push(JSON.stringify(bundle));
  }
  const whole = JSON.stringify(await canaryBundle(MEMBER));
  return [
    ...bundles,
    whole.slice(0, -5),
    whole.replace('{', `{"${canary()}": 1, `),
    whole.replace('"transaction"', JSON.stringify(canary())),
    `${canary()} is no JSON`,
    JSON.stringify([canary()]),
  ];
}

test('P9: a member full of canaries is taken, and can be read by who may', async () => {
  assert.equal(await importing(JSON.stringify(await canaryBundle(MEMBER))), 201);
  assert.ok(canariesPlanted() > 60, `${canariesPlanted()} canaries`);
  await server.relations('touch', `member:${MEMBER}#self@user:nina`);
  const nina = await server.token('nina');
  const stream = await listen(server, nina, [CLINICAL]);
  const session = await openSession(server, nina);
  await session.send('resources/subscribe', { uri: CLINICAL });
  const changed = JSON.stringify(await canaryBundle(MEMBER)).replaceAll(
    '2026-10-01T',
    '2026-10-02T',
  );
  assert.equal(await importing(changed), 201);
  await stream.heard(2);
  assert.doesNotMatch(JSON.stringify(stream.told), CANARY);
  stream.close();
  for (const section of ['profile', 'coverage', 'clinical']) {
    const uri = `mcp://twins/member/${MEMBER}/${section}`;
    const { answer } = await ask(server, nina, 'resources/read', { uri });
    watch(answer);
    assert.match(answer.text, CANARY, section);
    await http(nina, `/v1/twins/member/${MEMBER}/${section}`);
  }
  const found = await callTool(server, nina, 'search', { query: 'opioid' });
  assert.equal(found.failed, false);
});

test('P9: what is refused, denied or wrong repeats nothing of it', async () => {
  const statuses: number[] = [];
  for (const bundle of await refusedBundles()) statuses.push(await importing(bundle));
  assert.ok(statuses.every((status) => status === 201 || (status >= 400 && status < 500)));
  assert.ok(statuses.filter((status) => status !== 201).length >= 10, statuses.join());
  const tokens = [
    await server.token('nina'),
    await server.token('ben'),
    await server.token('operator', { scope: 'twin:read' }),
    canary(),
  ];
  for (const token of tokens) {
    for (const uri of [CLINICAL, `${CLINICAL}/Condition/nine-opioid-use`, 'mcp://sessions/x']) {
      await rpc(token, 'resources/read', { uri });
    }
    const texts = ['query', 'member', 'message', 'cursor', 'since'];
    const wrong = Object.fromEntries(texts.map((name) => [name, canary()]));
    const { query, member, message, cursor } = wrong;
    await rpc(token, 'tools/call', { name: 'search', arguments: { query: canary() } });
    await rpc(token, 'tools/call', { name: 'search', arguments: wrong });
    await rpc(token, 'tools/call', { name: 'chat', arguments: { [canary()]: 1, message } });
    await rpc(token, 'tools/call', { name: 'search', arguments: { query, member } });
    await rpc(token, 'tools/call', { name: 'chat', arguments: { message, member } });
    await rpc(token, 'tools/call', { name: 'chat', arguments: { message, session: canary() } });
    await rpc(token, 'tools/call', {
      name: 'readDocument',
      arguments: { uri: CLINICAL, focus: 7 },
    });
    await rpc(token, 'resources/list', { cursor });
    await rpc(token, 'prompts/list', { cursor });
    const query1 = `q=${canary()}&member=${canary()}&${canary()}=1`;
    for (const path of [
      ...[`/v1/search?q=${query}`, `/v1/search?${query1}`, `/v1/search?q=a&since=${canary()}`],
      ...[`/v1/changes?cursor=${cursor}`, `/v1/changes?wait=${canary()}`, `/${canary()}`],
      ...[`/v1/members?text=${canary()}`, `/v1/twins/member/${MEMBER}/clinical`],
      `/v1/explain?subject=${canary()}&permission=${canary()}&object=${canary()}`,
    ]) {
      await http(token, path);
    }
    const minPosition = { headers: { 'min-position': canary() } };
    await http(token, `/v1/twins/member/${MEMBER}/clinical`, minPosition);
  }
});

test('P9: a malformed message, header or relation is not repeated either', async () => {
  const nina = await server.token('nina');
  const host = new URL(server.url).host;
  for (const [headers, body] of [
    [[['Content-Type', 'application/json']], `{"${canary()}": `],
    [[['Content-Type', 'application/json']], JSON.stringify({ method: canary(), id: 1 })],
    [[['Content-Type', canary()]], '{}'],
    [
      [
        ['Content-Type', 'application/json'],
        ['Mcp-Session-Id', canary()],
      ],
      '{}',
    ],
    [
      [
        ['Content-Type', 'application/json'],
        ['Origin', `http://${canary()}`],
      ],
      '{}',
    ],
  ] as const) {
    const own = [...headers].map(([name, value]) => [name, value] as const);
    const sent = [['Host', host], ['Authorization', `Bearer ${nina}`], ...own] as const;
    watch(await rawRequest(server.url, { headers: sent, body }));
  }
  const operator = await server.token('operator', { scope: 'relations:write sources:write' });
  for (const relationship of [
    canary(),
    `member:x#${canary()}@user:y`,
    `member:x#self@${canary()}:y`,
  ]) {
    const body = JSON.stringify({ changes: [{ operation: 'touch', relationship }] });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    await http(operator, '/v1/relations', init);
  }
  await http(operator, `/v1/members?text=${canary()}`);
  await http(operator, `/v1/sources?source=${canary()}!`, { method: 'POST', body: canary() });
});

test('P9, T11: 115: log, metrics, headers, errors and audit hold no canary', async () => {
  const admin = await server.token('operator', { scope: 'admin' });
  const metrics = await (await server.fetch(admin, '/metrics')).text();
  assert.match(metrics, /digital_twin_http_request_seconds/);
  assert.doesNotMatch(metrics, new RegExp(`${CANARY.source}|${MEMBER}|nina|"demo`));
  assert.ok(watched.length > 200, `${watched.length} answers`);
  assert.deepEqual(
    watched.filter((text) => CANARY.test(text)),
    [],
  );
  assert.deepEqual(
    server
      .output()
      .split('\n')
      .filter((line) => CANARY.test(line)),
    [],
  );
  const files = await readdir(server.dataDir);
  const holding: string[] = [];
  for (const file of files) {
    const bytes = await readFile(join(server.dataDir, file)).catch(() => Buffer.alloc(0));
    if (CANARY.test(bytes.toString('latin1'))) holding.push(file);
  }
  const audit = files.filter((file) => file.startsWith('audit'));
  assert.ok(audit.length > 0, files.join());
  assert.ok(
    holding.some((file) => file.startsWith('log')),
    'the log of records does hold them',
  );
  assert.deepEqual(
    holding.filter((file) => !/^(log|view)\b/.test(file)),
    [],
  );
});
