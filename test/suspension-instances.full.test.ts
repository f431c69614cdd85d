/**
 * A vendor that is suspended on one of two servers, with a real Kafka and a real SpiceDB: on the other
 * everything that its clients have open ends, and nothing of it comes back.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mendSchema } from '../src/access/index.ts';
import { sleep } from '../src/kernel/clock.ts';
import { ask, callTool, readDocument } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { type Cluster, cluster } from './support/cluster.ts';
import { logIn, oauth } from './support/oauth.ts';
import { type SpicedbPart, sharedKafka, spicedb } from './support/parts.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession } from './support/streams.ts';

const MEMBER = 'shut-member';
const URI = `mcp://twins/member/${MEMBER}/profile`;
const VENDOR = { client_id: 'vendor-app' };
/** The promise; how long what follows took is not measured here. */
const WITHIN_MS = 2_000;

let db: SpicedbPart;
let group: Cluster;
let a: TestServer;
let b: TestServer;

before(async () => {
  const [part, kafka] = await Promise.all([spicedb(), sharedKafka()]);
  db = part;
  await mendSchema({ endpoint: db.address, token: db.token, tls: false }, 'apply');
  group = await cluster({ ...db.env, ...kafka.env });
  a = await group.start();
  b = await group.start();
  assert.equal((await change('First')).status, 201);
  await a.relations('touch', `member:${MEMBER}#delegate@user:hold`);
  await until('b has it', async () => (await status(b, await b.token('hold'))) === 200);
});
after(async () => {
  await group?.stop();
  await db?.stop();
});

function change(family: string): Promise<Response> {
  const name = [{ family, given: ['Testa'] }];
  return a.importBundle(bundleOf(patient(MEMBER, { name })));
}

async function status(server: TestServer, token: string): Promise<number> {
  return (await server.fetch(token, `/v1/twins/member/${MEMBER}/profile`)).status;
}

async function until(what: string, holds: () => Promise<boolean>, withinMs = 30_000) {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `${what}: not within ${withinMs} ms`);
    await sleep(20);
  }
}

async function suspension(server: TestServer, method: 'PUT' | 'DELETE', client: string) {
  const operator = await server.token('operator', { scope: 'admin' });
  assert.equal((await server.fetch(operator, `/v1/suspensions/${client}`, { method })).status, 200);
}

test('B-AG-4: suspended on one instance, all of it is over on the other', async () => {
  const token = await b.token('hold', VENDOR);
  await readDocument(b, token, URI);
  const { next } = (await (await b.fetch(token, '/v1/changes?cursor=now')).json()) as {
    next: string;
  };
  const chat = await callTool(b, token, 'chat', { message: 'What is her name?', member: MEMBER });
  const stream = await listen(b, token, [URI]);
  const older = await openSession(b, token);
  await older.send('resources/subscribe', { uri: URI });
  const push = await older.push();
  const poll = b.fetch(token, '/v1/changes?cursor=now&wait=30');

  await suspension(a, 'PUT', 'vendor-app');
  const begun = performance.now();
  await Promise.all([stream.end(), push.end()]);
  await until('closed', async () => (await status(b, token)) === 403, WITHIN_MS);
  assert.ok(performance.now() - begun < 2 * WITHIN_MS, 'streams and reads end');
  assert.ok((await poll).status !== 200 || !/updated/.test(await (await poll).text()));

  assert.equal((await change('Second')).status, 201);
  for (const uri of [URI, String(chat.structured.session), `mcp://twins/changes/${next}`]) {
    const { message } = await ask(b, token, 'resources/read', { uri });
    assert.ok(message.error !== undefined, uri);
  }
  assert.deepEqual((await listen(b, token, [URI])).acknowledged, []);
  assert.deepEqual([stream.told.length, push.told.length], [0, 0]);

  await suspension(a, 'DELETE', 'vendor-app');
  await until('open again', async () => (await status(b, token)) === 200);
  const gone = await older.push();
  assert.equal(gone.status, 404, 'its session was removed, not only silenced');
  gone.close();
});

test('B-AG-4: what the authorization server gave a suspended client ends, and stays ended', async () => {
  const server = await startServer();
  try {
    const to = oauth(server.url);
    const redirect_uri = 'http://127.0.0.1/callback';
    const registered = await to.register({ client_name: 'V', redirect_uris: [redirect_uri] });
    const client = { client_id: String(registered.body.client_id), redirect_uri };
    const other = await to.register({ client_name: 'W', redirect_uris: [redirect_uri] });
    const kept = { client_id: String(other.body.client_id), redirect_uri };
    const scope = { scope: 'twin:read' };
    const { tokens } = await logIn(to, client, scope, ['as', 'ana']);
    const { tokens: stays } = await logIn(to, kept, scope, ['as', 'ana']);
    const renew = ({ client_id }: { client_id: string }, token: unknown) =>
      to.post('/oauth/token', {
        ...{ grant_type: 'refresh_token', refresh_token: String(token), client_id },
      });
    const read = async (token: unknown) =>
      (await server.fetch(String(token), '/v1/twins/member/demo-ana/care')).status;
    assert.equal(await read(tokens.body.access_token), 200);
    await suspension(server, 'PUT', client.client_id);
    const refused = await renew(client, tokens.body.refresh_token);
    assert.deepEqual([refused.status, refused.body.error], [400, 'invalid_grant']);
    await suspension(server, 'DELETE', client.client_id);
    assert.equal(await read(tokens.body.access_token), 401, 'the token ended as well');
    assert.equal((await renew(client, tokens.body.refresh_token)).status, 400);
    assert.equal((await renew(kept, stays.body.refresh_token)).status, 200, 'another client');
  } finally {
    await server.stop();
  }
});
