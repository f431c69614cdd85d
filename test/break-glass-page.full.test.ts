/** `/break-glass` in a real Chromium: a doctor opens a record, a privacy officer reviews the case. */

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { bringChromium } from '../tools/parts/chromium.ts';
import { fresh } from './support/break-glass.ts';
import { openPage, type Page, picture } from './support/browser.ts';
import { startServer, type TestServer } from './support/server.ts';

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

async function logIn(as: string): Promise<void> {
  await page.open(`${server.url}/break-glass`);
  await page.click(/^Log in$/);
  await page.shows(/First say who you are/);
  assert.doesNotMatch(String(await page.evaluate('document.body.innerText')), /person of the demo/);
  await page.click(/^Login code/);
  await page.type(await server.loginCode(as));
  await page.click(/^Log in$/);
  await page.shows(/open a record in an emergency/i);
  await page.click(/^Allow$/);
  await page.shows(/Open to you now/);
}

async function fill(member: string, words: string): Promise<void> {
  await page.click(/^Member id$/);
  await page.type(member);
  await page.click(/^In your own words$/);
  await page.type(words);
}

test('B-BG-1: a doctor logs in by code, opens one record, sees it open, and ends it', async () => {
  await logIn('eve');
  await picture(page, 'break-glass-form');
  await page.click(/^Break the glass$/);
  await page.shows(/Say whose record/);
  await fill('demo-ben', 'found unconscious in the street');
  await page.click(/^Break the glass$/);
  await page.shows(/The record of demo-ben is open to you/);
  await picture(page, 'break-glass-open');
  const eve = await fresh(server, 'eve');
  const read = () => server.fetch(eve, '/v1/twins/member/demo-ben/clinical');
  assert.match(String((await read()).headers.get('break-glass')), /"demo-ben"/);
  await page.click(/^Break the glass$/);
  await page.shows(/Say whose record/);
  await fill('nobody-there', 'found unconscious in the street');
  await page.click(/^Break the glass$/);
  await page.shows(/no such member in your organization/);
  await picture(page, 'break-glass-refused');
  await page.click(/^Review queue$/);
  await page.shows(/There is nothing here, or you may not read it/);
  await page.click(/^End the case on demo-ben/);
  await page.shows(/The record of demo-ben is closed again/);
  assert.equal((await read()).status, 404);
  const kept = 'JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])';
  assert.equal(await page.evaluate(kept), '[{},{},""]');
});

test('B-BG-6: a privacy officer sees the case with the words, and reviews it', async () => {
  await logIn('officer');
  await page.click(/^Review queue$/);
  await page.shows(/found unconscious in the street/);
  await page.shows(/By eve through/);
  await picture(page, 'break-glass-queue');
  await page.click(/^Your words/);
  await page.type('the ward confirms it');
  await page.click(/^Justified: the case on demo-ben/);
  await page.shows(/is reviewed: justified/);
  await page.shows(/There is no such case/);
  await page.evaluate(
    `(() => { const f = document.getElementById('filter'); f.value = 'all'; f.dispatchEvent(new Event('change')); })()`,
  );
  await page.shows(/Justified, says officer/);
  await picture(page, 'break-glass-reviewed');
});

test('B-BG-2: a token whose login is too old is sent to log in anew, and what was written is kept', async () => {
  await logIn('nurse');
  await fill('demo-dov', 'a seizure in the waiting room');
  // As after a while: the server says that the login is too old.
  await page.evaluate(`(() => {
    const real = window.fetch;
    const body = JSON.stringify({ error: { code: 'INSUFFICIENT_AUTHENTICATION', message: 'x' } });
    window.fetch = (path, init) => init?.method === 'POST' && path === '/v1/break-glass'
      ? Promise.resolve(new Response(body, { status: 401 })) : real(path, init);
  })()`);
  await page.click(/^Break the glass$/);
  await page.shows(/Your login is too old for this/);
  await picture(page, 'break-glass-step-up');
  await page.click(/^Log in$/);
  await page.click(/^Allow$/);
  await page.shows(/Open to you now/);
  assert.equal(await page.evaluate(`document.getElementById('member').value`), 'demo-dov');
  await page.click(/^Break the glass$/);
  await page.shows(/The record of demo-dov is open to you/);
});
