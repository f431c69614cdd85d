/** `/me/agents` in a real Chromium: a person sees which agents act for them, and takes the trust back. */

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { bringChromium } from '../tools/parts/chromium.ts';
import { openPage, type Page, picture } from './support/browser.ts';
import { claimsOf, logIn as logInBy, oauth } from './support/oauth.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen } from './support/streams.ts';

let chromium: string;
let server: TestServer;
let page: Page;

before(async () => {
  chromium = await bringChromium((text) => process.stderr.write(`# ${text}\n`));
  server = await startServer();
});
after(() => server.stop());
beforeEach(async () => {
  page = await openPage(chromium);
});
afterEach(() => page.close());

async function trust(agent: string, sections: readonly string[]): Promise<void> {
  const token = await server.token('ana', { scope: 'agents:manage' });
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ sections });
  const sent = { method: 'PUT', headers, body };
  assert.equal((await server.fetch(token, `/v1/agents/${agent}`, sent)).status, 200);
}

async function logIn(): Promise<void> {
  await page.open(`${server.url}/me/agents`);
  await page.click(/^Log in$/);
  await page.shows(/First say who you are/);
  await page.click(/^Login code/);
  await page.type(await server.loginCode('ana'));
  await page.click(/^Log in$/);
  await page.shows(/It is a page of this server itself/);
  await picture(page, 'agents-consent');
  await page.click(/^Allow$/);
  await page.shows(/Who acts for you/);
}

test('B-AG-8: a person logs in by code, sees an agent, takes a section back, and its stream ends', async () => {
  await trust('page-bot', ['profile', 'care']);
  const bot = await server.token('ana', { actor: 'page-bot' });
  const care = 'mcp://twins/member/demo-ana/care';
  const stream = await listen(server, bot, [care]);
  assert.deepEqual(stream.acknowledged, [care]);

  await logIn();
  await page.shows(/page-bot/);
  await page.shows(/Trusted since/);
  await picture(page, 'agents-list');
  await page.click(/^Take back Care plans, appointments and tasks from page-bot/);
  await page.shows(/Care plans, appointments and tasks was taken back from page-bot/);
  await picture(page, 'agents-taken-back');
  await stream.end();
  const status = async (section: string) =>
    (await server.fetch(bot, `/v1/twins/member/demo-ana/${section}`)).status;
  assert.deepEqual([await status('care'), await status('profile')], [404, 200]);

  await page.click(/^Take everything back from page-bot/);
  await page.shows(/Everything was taken back from page-bot/);
  assert.equal(await status('profile'), 404);
});

test('B-AG-8: it gives trust until a day, says what is wrong in words, and shows a suspended agent', async () => {
  await trust('shut-bot', ['profile']);
  const operator = await server.token('operator', { scope: 'admin' });
  await server.fetch(operator, '/v1/suspensions/shut-bot', { method: 'PUT' });
  await logIn();
  await page.shows(/Suspended/);
  await page.click(/^Give trust$/);
  await page.shows(/Name the agent/);
  await page.click(/^Name of the agent$/);
  await page.type('new-bot');
  await page.click(/^Give trust$/);
  await page.shows(/Tick what you trust it with/);
  await picture(page, 'agents-wrong');
  await page.click(/^Insurance plans and benefits$/);
  // A date field takes no text that is put into it at once.
  await page.evaluate(`document.getElementById('until').value = '2037-01-01'`);
  await page.click(/^Give trust$/);
  await page.shows(/new-bot is trusted with this now/);
  await picture(page, 'agents-given');
  const token = await server.token('ana', { scope: 'agents:manage' });
  const { agents } = (await (await server.fetch(token, '/v1/agents')).json()) as {
    agents: { agent: string; sections: { section: string; until?: string }[] }[];
  };
  const [given] = agents.find(({ agent }) => agent === 'new-bot')?.sections ?? [];
  assert.equal(given?.section, 'coverage');
  assert.match(String(given?.until), /^2037-01-0[12]T/);
});

test('B-AG-9: a reload knows no token, and neither does the tab’s memory', async () => {
  await logIn();
  assert.equal(await page.evaluate('location.search'), '');
  const kept = 'JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])';
  assert.equal(await page.evaluate(kept), '[{},{},""]');
  await page.open(`${server.url}/me/agents`);
  await page.shows(/Log in/);
  assert.equal(await page.evaluate('document.getElementById("in").hidden'), true);
});

test('B-AG-9: after Log out the token is ended, and the next one is asked who they are', async () => {
  await logIn();
  await page.click(/^Log out$/);
  await page.shows(/First say who you are/);
});

test('B-AG-9: no answer but that of its own login is taken, and none from elsewhere', async () => {
  await page.open(`${server.url}/me/agents?code=stolen&state=theirs&iss=${server.url}`);
  await page.shows(/This answer is of another login/);
  await picture(page, 'agents-foreign-answer');
  // Neither a script that is put into the page, nor one from its own origin without the nonce.
  const run = `(async () => {
    const inline = document.createElement('script');
    try { inline.append('window.ran = 1'); document.body.append(inline); } catch {}
    const other = document.createElement('script');
    try { other.src = '/me/agents.js'; document.body.append(other); } catch {}
  })()`;
  await page.evaluate(run);
  assert.equal(await page.evaluate('window.ran ?? 0'), 0);
});

test('B-AG-9: the page’s client leads to its own address alone, with its own scope alone', async () => {
  const to = oauth(server.url);
  const ask = async (more: Readonly<Record<string, string>>) => {
    const known = { client_id: 'digital-twin-pages', redirect_uri: `${server.url}/me/agents` };
    const { url } = to.request({ ...known, scope: 'agents:manage', ...more });
    const answer = await fetch(url, { redirect: 'manual' });
    await answer.body?.cancel();
    return { status: answer.status, location: answer.headers.get('location') ?? '' };
  };
  assert.match((await ask({})).location, /^\/oauth\/interaction\//);
  const { port } = new URL(server.url);
  for (const other of [
    `http://localhost:${Number(port) + 1}/me/agents`,
    `http://127.0.0.1:${port}/me/agents`,
    `${server.url}/me/agents?x=1`,
  ]) {
    assert.deepEqual(await ask({ redirect_uri: other }), { status: 400, location: '' }, other);
  }
  const client = { client_id: 'digital-twin-pages', redirect_uri: `${server.url}/me/agents` };
  const scope = 'twin:read admin agents:manage';
  const { tokens } = await logInBy(to, client, { scope }, ['code', await server.loginCode('ana')]);
  assert.equal(claimsOf(tokens.body.access_token).scope, 'agents:manage');
  assert.equal(tokens.body.refresh_token, undefined);
});
