import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeCertificates } from '../tools/parts/certificates.ts';
import { oauth } from './support/oauth.ts';
import { FLOWS, Keeper } from './support/oauth-client.ts';
import { allowing, person } from './support/person.ts';
import { startServer, type TestServer } from './support/server.ts';

/** The real SDKs, told nothing but the server's address, and documents on a real https host. */

const ANA = 'mcp://twins/member/demo-ana/coverage';

let server: TestServer;
let directory: string;
let host: Server;
const asked: string[] = [];
/** What the host answers below a path. */
const documents = new Map<string, { status?: number; type?: string; body: string; to?: string }>();

before(async () => {
  const say = (text: string): void => void process.stderr.write(`# ${text}\n`);
  directory = mkdtempSync(join(tmpdir(), 'twin-cimd-'));
  const { ca, server: pair } = await makeCertificates(directory, say);
  const tls = { cert: readFileSync(pair.cert), key: readFileSync(pair.key) };
  host = createServer(tls, (req, res) => {
    asked.push(String(req.url));
    const {
      status = 200,
      type = 'application/json',
      body = '',
      to,
    } = documents.get(String(req.url)) ?? {};
    res.writeHead(status, { 'content-type': type, ...(to !== undefined && { location: to }) });
    if (body !== 'silence') res.end(body);
    else res.flushHeaders();
  }).listen(0, 'localhost');
  await new Promise((resolve) => host.once('listening', resolve));
  const env = { OAUTH_LOOPBACK_CLIENTS: 'on', NODE_EXTRA_CA_CERTS: ca };
  server = await startServer({ env });
});
after(async () => {
  host.closeAllConnections();
  host.close();
  await server.stop();
  rmSync(directory, { recursive: true });
});

/** A client's document at this address, and the address. */
function publish(path: string, more: object = {}, answer: object = {}): string {
  const id = `https://localhost:${(host.address() as { port: number }).port}${path}`;
  const redirect_uris = ['http://127.0.0.1:4321/callback'];
  const body = JSON.stringify({ client_id: id, client_name: 'Documented', redirect_uris, ...more });
  documents.set(path, { body, ...answer });
  return id;
}

for (const [name, flow] of Object.entries(FLOWS)) {
  for (const way of ['registration', 'a document'] as const) {
    test(`B-AS-1: ${name} logs a person in by ${way}, reads, and renews`, async () => {
      const document =
        way === 'registration' ? undefined : publish(`/${encodeURIComponent(name)}.json`);
      const keeper = new Keeper(`Tool of ${name}`, document);
      await assert.rejects(flow.begin(server.url, keeper), /nauthorized/);
      const address = String(keeper.address);
      assert.equal(new URL(address).searchParams.get('resource'), `${server.url}/mcp`);
      const who = person(server.url);
      const login = await who.visit(address);
      const consent = await who.submit(login, '/login', [['as', 'ana']]);
      assert.match(
        consent.html,
        way === 'registration' ? /nobody vouches/ : /localhost:\d+<\/span> publishes/,
      );
      const done = await who.submit(consent, '/consent', allowing(consent));
      await flow.finish(server.url, keeper, new URL(done.url));
      assert.equal(keeper.clientId, document ?? keeper.clientId);
      assert.match(await flow.read(server.url, keeper, ANA), /demo-ana/);
      keeper.forgetAccessToken();
      assert.match(await flow.read(server.url, keeper, ANA), /demo-ana/);
      assert.notEqual(keeper.accessToken, 'ended');
      await assert.rejects(flow.read(server.url, keeper, ANA.replace('ana', 'dov')));
    });
  }
}

test('B-AS-5: a document is read within bounds, once, and is followed nowhere', async () => {
  const to = oauth(server.url);
  const page = async (client_id: string): Promise<string> => {
    const { url } = to.request({ client_id, redirect_uri: 'http://127.0.0.1:4321/callback' });
    return (await person(server.url).visit(url)).html;
  };
  assert.match(await page(publish('/good.json')), /Documented/);
  assert.match(await page(publish('/good.json')), /Documented/);
  assert.equal(asked.filter((path) => path === '/good.json').length, 1, 'kept for a while');
  const good = publish('/target.json');
  for (const [path, more, answer, says] of [
    ['/moved.json', {}, { status: 302, to: good }, /redirects are not followed/],
    ['/missing.json', {}, { status: 404 }, /does not answer 200/],
    ['/html.json', {}, { type: 'text/html' }, /is no JSON/],
    ['/no-json.json', {}, { body: '{' }, /is no JSON/],
    ['/list.json', {}, { body: '[]' }, /no JSON object/],
    ['/large.json', { x: 'x'.repeat(20_000) }, {}, /too large/],
    ['/slow.json', {}, { body: 'silence' }, /in time/],
    ['/other-id.json', { client_id: 'https://localhost/else' }, {}, /does not match/],
    [
      '/secret.json',
      { client_secret: 's', token_endpoint_auth_method: 'client_secret_post' },
      {},
      /public client/,
    ],
    [
      '/keys.json',
      { jwks_uri: good, token_endpoint_auth_method: 'private_key_jwt' },
      {},
      /public client/,
    ],
    ['/redirects.json', { redirect_uris: ['http://evil.example/cb'] }, {}, /redirect_uris/],
  ] as const) {
    const html = await page(publish(path, more, answer));
    assert.match(html, /This did not work/, path);
    assert.match(html, says, path);
  }
  assert.ok(!asked.includes('/target.json'), 'neither a redirect nor a key was followed');
});
