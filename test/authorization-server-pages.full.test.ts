import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { bringChromium } from '../tools/parts/chromium.ts';
import { openPage, type Page, picture } from './support/browser.ts';
import { startInspectorPage } from './support/inspector-page.ts';
import { claimsOf, type OAuth, oauth } from './support/oauth.ts';
import { startServer, type TestServer } from './support/server.ts';

/** Login, consent, trust and step-up in a real Chromium, by hand and from Inspector's page. */

const READS = 'twin:read twin:search';
const CODE = 'urn:digital-twin:acr:code';

let chromium: string;
let server: TestServer;
let to: OAuth;
/** The client's own page, which the answer leads to. */
let client: Server;
let answers: URL[];
let page: Page;

before(async () => {
  chromium = await bringChromium((text) => process.stderr.write(`# ${text}\n`));
  server = await startServer();
  to = oauth(server.url);
  client = createServer((req, res) => {
    answers.push(new URL(req.url ?? '', redirect()));
    res.setHeader('content-type', 'text/plain');
    res.end('back at the client');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => client.once('listening', resolve));
});
after(async () => {
  client.closeAllConnections();
  client.close();
  await server.stop();
});
beforeEach(async () => {
  answers = [];
  page = await openPage(chromium);
});
afterEach(() => page.close());

const redirect = (): string =>
  `http://127.0.0.1:${(client.address() as { port: number }).port}/callback`;

async function tokenAfter(verifier: string, known: { client_id: string; secret?: string }) {
  await page.shows(/back at the client/);
  const found = answers.find((answer) => answer.searchParams.has('code'));
  const shown = { url: String(found), status: 0, html: '', headers: new Headers() };
  const { body } = await to.redeem(shown, verifier, { ...known, redirect_uri: redirect() });
  return String(body.access_token);
}

test('B-AS-1: Inspector’s page, told the address alone, logs Ana in and reads', async () => {
  const inspector = await startInspectorPage(server.url);
  try {
    await page.open(inspector.address);
    await page.click(/^Connect or disconnect/);
    await page.shows(/First say who you are/);
    await picture(page, 'login');
    await page.click(/^Log in as Ana/);
    await page.shows(/Let MCP Inspector act for ana/);
    await page.shows(/14 days/);
    await picture(page, 'consent');
    await page.click(/^Allow$/);
    await page.shows(/MCP 2026-07-28/);
    await page.click(/^Resources$/);
    await page.click(/^Coverage$/);
    await page.shows(/"section": "coverage"/);
    await picture(page, 'inspector');
  } finally {
    await inspector.stop();
  }
});

test('B-AS-8: Ben ticks coverage for an agent, which then reads that and no more', async () => {
  const secret = /client assistant, secret (\S+)/.exec(server.output())?.[1] ?? '';
  const known = { client_id: 'assistant', secret };
  const asked = to.request({ client_id: 'assistant', redirect_uri: redirect(), scope: READS });
  await page.open(asked.url);
  await page.click(/^Log in as Ben/);
  await page.shows(/An AI agent that whoever runs this server has registered/);
  await page.click(/^Insurance plans and benefits/);
  await picture(page, 'trust');
  await page.click(/^Allow$/);
  const token = await tokenAfter(asked.verifier, known);
  assert.deepEqual(claimsOf(token).act, { sub: 'agent:assistant' });
  const status = async (section: string): Promise<number> =>
    (await server.fetch(token, `/v1/twins/member/demo-ben/${section}`)).status;
  assert.deepEqual([await status('coverage'), await status('clinical')], [200, 404]);
});

test('B-AS-9: a step-up takes a code that is typed in, and nobody may be picked', async () => {
  const { body } = await to.register({ client_name: 'Break glass', redirect_uris: [redirect()] });
  const known = { client_id: String(body.client_id) };
  const params = { ...known, redirect_uri: redirect(), scope: READS };
  const asked = to.request({ ...params, acr_values: CODE, max_age: '60' });
  await page.open(asked.url);
  await page.shows(/With a login code/);
  await picture(page, 'step-up');
  await page.click(/^Login code/);
  await page.type(await server.loginCode('eve'));
  await page.click(/^Log in$/);
  await page.shows(/act for eve/);
  await page.click(/^Allow$/);
  const { acr, auth_time, iat } = claimsOf(await tokenAfter(asked.verifier, known));
  assert.equal(acr, CODE);
  assert.ok(Number(iat) - Number(auth_time) <= 60);
});
