import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { makeCertificates } from '../tools/parts/certificates.ts';
import { ask, type RpcMessage, readDocument } from './support/ask.ts';
import { startTestIssuer, type TestIssuer } from './support/issuer.ts';
import { type ProxiedKafka, proxiedKafka, type SpicedbPart, spicedb } from './support/parts.ts';
import { type Production, production } from './support/production.ts';
import { type RecordingGrpc, recordingGrpc } from './support/recording-grpc.ts';
import type { TestServer } from './support/server.ts';
import { listen } from './support/streams.ts';

/**
 * Production on a real Kafka and SpiceDB with a company's issuer over TLS: from nothing to the main
 * job by the commands of docs/oauth.md alone; and what our callers' tokens must never reach.
 */
const DEMO = new URL('../resources/demo/', import.meta.url);

let issuer: TestIssuer;
let kafka: ProxiedKafka;
let db: SpicedbPart;
let grpc: RecordingGrpc;
let heardByKafka: () => string;
let twin: Production;
/** As the helpers of tests want it. */
let server: TestServer;
const tokens: string[] = [];

before(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'twin-certificates-'));
  const { ca, server: pair } = await makeCertificates(directory, () => undefined);
  [issuer, kafka, db] = await Promise.all([
    startTestIssuer({ tls: { ca, cert: pair.cert, key: pair.key } }),
    proxiedKafka(1),
    spicedb(),
  ]);
  grpc = await recordingGrpc(db.address);
  const [way] = kafka.proxies;
  assert.ok(way);
  heardByKafka = way.record();
  twin = await production({
    ...issuer.env,
    ...db.env,
    KAFKA_BROKERS: way.address,
    SPICEDB_ENDPOINT: grpc.address,
  });
  server = { url: twin.url } as TestServer;
});
after(async () => {
  await twin?.stop();
  await grpc?.stop();
  await Promise.all([issuer?.stop(), kafka?.stop(), db?.stop()]);
});

async function tokenOf(sub: string, more: object = {}): Promise<string> {
  const scope = 'twin:read twin:search twin:chat twin:subscribe';
  const claims = { aud: twin.audience, sub, tenant: 'acme', scope, ...more };
  const token = await issuer.token(claims);
  tokens.push(token);
  return token;
}

const asOperator = async (scope: string): Promise<string> => await tokenOf('operator', { scope });

async function send(token: string, path: string, body: unknown): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return await fetch(twin.url + path, { method: 'POST', headers, body: text });
}

async function relate(operation: 'touch' | 'delete', ...relationships: string[]): Promise<void> {
  const changes = relationships.map((relationship) => ({ operation, relationship }));
  const answer = await send(await asOperator('relations:write'), '/v1/relations', { changes });
  assert.ok(answer.ok, await answer.text());
}

/** Imports a bundle of the demo. @returns the ids of its members, by Patient.id */
async function bring(name: string): Promise<Map<string, string>> {
  const text = await readFile(new URL(name, DEMO), 'utf8');
  const token = await asOperator('sources:write');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' };
  const path = `${twin.url}/v1/sources?source=plan`;
  const answer = await fetch(path, { method: 'POST', headers, body: text });
  const receipt = (await answer.json()) as { members: { member: string; patient: string }[] };
  assert.equal(answer.status, 201, JSON.stringify(receipt));
  return new Map(receipt.members.map(({ member, patient }) => [patient, member]));
}

test('B-OA-9: without an issuer it does not start, and says what to set', async () => {
  const { OAUTH_ISSUER: _, ...without } = twin.env;
  const other = await production({ ...without, OAUTH_ISSUER: '' });
  const { exit, err } = await other.run('serve');
  assert.equal(exit, 2);
  assert.match(err, /OAUTH_ISSUER must be set with NODE_ENV=production/);
});

test('B-OA-9: what is not ready is one list, with the commands that mend it', async () => {
  const refused = await twin.run('serve');
  assert.equal(refused.exit, 1);
  assert.match(refused.err, /digital-twin topics apply/);
  assert.match(refused.err, /digital-twin schema apply/);
  assert.doesNotMatch(refused.err, /OAUTH_ISSUER/, 'the issuer is well');
  for (const command of ['topics', 'schema']) {
    const { exit, err } = await twin.run(command, 'apply');
    assert.equal(exit, 0, err);
  }
});

test('B-OA-9: it starts, and nothing for development runs in it', async () => {
  await twin.start();
  assert.ok(!existsSync(join(twin.dataDir, 'server.json')), 'no key for minting tokens');
  for (const path of ['/oauth/dev/token', '/oauth/token', '/oauth/register', '/oauth/authorize']) {
    assert.equal((await send('x', path, { as: 'ana' })).status, 404, path);
  }
  const metadata = await fetch(`${twin.url}/.well-known/oauth-protected-resource/mcp`);
  const { resource, authorization_servers } = (await metadata.json()) as Record<string, unknown>;
  assert.equal(resource, twin.audience);
  assert.deepEqual(authorization_servers, [issuer.issuer]);
  assert.doesNotMatch(twin.output(), /--as ana|demo-ana/);
});

test('B-OA-9: the main job: read, be told, be cut off, and nobody else', async () => {
  await relate('touch', 'organization:acme#admin@user:operator');
  await bring('directory.json');
  const member = (await bring('demo-ana.json')).get('demo-ana');
  assert.match(String(member), /^[a-z0-9]{26}$/, 'ids are opaque in production');
  await relate('touch', `member:${member}#self@user:ana`, 'user:ana#agent_all@agent:assistant');
  const coverage = `mcp://twins/member/${member}/coverage`;
  const agent = await tokenOf('ana', { act: { sub: 'agent:assistant' } });
  const first = await readDocument(server, agent, coverage);
  const stream = await listen(server, agent, [coverage]);
  assert.deepEqual(stream.acknowledged, [coverage]);

  await bring('update-ana.json');
  await stream.heard(1);
  const second = await readDocument(server, agent, coverage);
  assert.notEqual(second.etag, first.etag);

  const refused = async (token: string): Promise<RpcMessage['error']> =>
    (await ask(server, token, 'resources/read', { uri: coverage })).message.error;
  assert.equal((await refused(await tokenOf('ben')))?.code, -32602);
  await relate('delete', 'user:ana#agent_all@agent:assistant');
  await stream.end();
  assert.equal((await refused(agent))?.code, -32602);
  assert.equal(await refused(await tokenOf('ana')), undefined, 'Ana herself still reads');
});

test('B-OA-9: the command line works with a token of the issuer', async () => {
  const token = await tokenOf('ana');
  const found = await twin.run('search', 'coverage', '--url', twin.url, '--token', token);
  assert.equal(found.exit, 0, found.err);
  const denied = await twin.run('search', 'coverage', '--url', twin.url, '--as', 'ana');
  assert.notEqual(denied.exit, 0);
});

test('B-OA-11: doctor finds all of it well, and names the version of SpiceDB', async () => {
  const { exit, out, err } = await twin.run('doctor');
  assert.equal(exit, 0, out + err);
  assert.ok(out.includes(`${issuer.issuer}, tokens as rfc9068`), out);
  assert.ok(out.includes(`tokens must be for ${twin.audience} alone`));
  assert.match(out, /^ok +SPICEDB_ENDPOINT +runs SpiceDB 1\.56\.\d+.*1\.57\.1/m);
  assert.match(out, /^ok +server +http:\/\/127\.0\.0\.1:\d+, version/m);
});

test('B-OA-9: keys of the issuer turn over TLS, without a restart', async () => {
  await issuer.rotate();
  const token = await tokenOf('ana');
  const headers = { authorization: `Bearer ${token}` };
  for (let tries = 0; ; tries += 1) {
    const { status } = await fetch(`${twin.url}/v1/search?q=a`, { headers });
    if (status === 200) break;
    assert.ok(status === 401 && tries < 200, String(status));
    await sleep(200);
  }
});

test('B-OA-8: 28: no token of a caller went to Kafka or SpiceDB', () => {
  const [kafkaHeard, spicedbHeard] = [heardByKafka(), grpc.said()];
  // What does go there is seen, so that what is not seen did not go.
  assert.ok(kafkaHeard.includes('user:ana'));
  assert.ok(spicedbHeard.includes('authorization') && spicedbHeard.includes('ana'));
  assert.ok(tokens.length > 10);
  for (const token of tokens) {
    for (const part of token.split('.').slice(1)) {
      for (const heard of [kafkaHeard, spicedbHeard]) {
        assert.ok(!heard.includes(part.slice(0, 60)), 'a part of a token went out');
      }
    }
  }
  assert.ok(tokens.every((token) => !twin.output().includes(token.slice(0, 60))));
});

test('B-OA-9: it stops when it is told to', async () => {
  assert.equal(await twin.stop(), 0);
});
