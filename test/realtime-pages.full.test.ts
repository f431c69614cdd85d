import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { rolldown } from 'rolldown';
import { openNetwork } from '../examples/video-visit/network.ts';
import { serveVisit } from '../examples/video-visit/serve.ts';
import { sleep } from '../src/kernel/clock.ts';
import { bringChromium } from '../tools/parts/chromium.ts';
import { openPage, type Page, picture } from './support/browser.ts';
import { ANA_COVERAGE, nextCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';

/** A real Chromium: the stock pusher-js on the example's page, and our SDK as an app ships it. */
let page: Page;

before(async () => {
  page = await openPage(await bringChromium(() => undefined));
});
after(() => page.close());

async function until<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 300; tries += 1) {
    const value = await ask();
    if (holds(value)) return value;
    await sleep(100);
  }
  throw new Error(`it does not come: ${JSON.stringify(await ask())}`);
}

test('B-GW-42: stock pusher-js on a page loses nothing when its network drops, and nothing stale rings', {
  timeout: 120_000,
}, async () => {
  const visit = await serveVisit();
  const read = async (list: string) => {
    const items = `[...document.querySelectorAll('#${list} li')].map((e) => e.innerText)`;
    return (await page.evaluate(items)) as string[];
  };
  const log = () => read('log');
  const told = (...lines: string[]) => {
    return until(log, (all) => all.join() === lines.join());
  };
  const clinic = async (...names: RegExp[]): Promise<void> => {
    for (const name of names) {
      const before = (await read('said')).length;
      await page.click(name);
      await until(
        () => read('said'),
        (all) => all.length === before + 1,
      );
    }
  };
  try {
    await page.open(visit.url);
    const subscribed = "document.getElementById('state')?.dataset.subscribed";
    await until(
      () => page.evaluate(subscribed),
      (state) => state === 'yes',
    );
    await clinic(/^Accept$/, /^Ready$/, /^Join$/, /^Extend$/);
    const first = ['call_accepted', 'appointment_ready', 'join_call', 'paid_extend_call_request'];
    const before = first.map((name) => `${name} of call 1`);
    await told(...before);
    await picture(page, 'video-visit-rings');

    await page.click(/^Drop the network$/);
    const connection = () => page.evaluate("document.getElementById('state').dataset.state");
    await until(connection, (state) => state !== 'connected');
    // What the clinic says while the phone is away: a call that rings and ends, and one that begins.
    await clinic(/^End$/);
    await page.click(/^Next call$/);
    await clinic(/^Join$/, /^End$/);
    await page.click(/^Next call$/);
    await clinic(/^Accept$/, /^Ready$/);
    assert.deepEqual(await log(), before, 'nothing comes by a network that is down');
    await picture(page, 'video-visit-dropped');
    await page.click(/^Restore the network$/);
    const missed = [
      ...['call_ended of call 1', 'call_ended of call 2'],
      ...['call_accepted of call 3', 'appointment_ready of call 3'],
    ];
    await told(...before, ...missed);
    await clinic(/^Join$/, /^End$/);
    await told(...before, ...missed, 'join_call of call 3', 'call_ended of call 3');
    const rings = await page.evaluate("document.getElementById('rings').innerText");
    assert.equal(rings, '2', 'the second call was over before the phone was back');
    await picture(page, 'video-visit-back');
  } finally {
    await visit.stop();
  }
});

/** A page that has the SDK, as a bundler makes it, and nothing else. */
async function servePage(): Promise<{ server: Server; origin: string }> {
  const input = new URL('../src/sdk/realtime/index.ts', import.meta.url).pathname;
  const bundle = await rolldown({ input, platform: 'browser' });
  const { output } = await bundle.generate({ format: 'iife', name: 'twin', minify: true });
  await bundle.close();
  const server = createServer((req, res) => {
    const isScript = req.url === '/sdk.js';
    res.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    res.end(
      isScript
        ? output[0].code
        : '<!doctype html><title>SDK</title><script src="/sdk.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('B-GW-42: our SDK in a browser resumes after its network dropped, and polls where sockets are kept away', {
  timeout: 120_000,
}, async () => {
  const { server: site, origin } = await servePage();
  const network = await openNetwork();
  let server: TestServer | undefined;
  try {
    const env = { ALLOWED_ORIGINS: origin, PUBLIC_URL: network.origin };
    server = await startServer({ env, args: ['--port', String(network.serverPort)] });
    const twin = server;
    const token = await twin.token('ana');
    const importer = await twin.token('operator', { scope: 'sources:write' });
    // Not by the network that drops.
    const direct = `http://127.0.0.1:${network.serverPort}`;
    const change = async (): Promise<string> => {
      const { bundle, product } = nextCoverage();
      const headers = {
        'content-type': 'application/fhir+json',
        authorization: `Bearer ${importer}`,
      };
      const init = { method: 'POST', headers, body: bundle };
      assert.equal((await fetch(`${direct}/v1/sources?source=test`, init)).status, 201);
      return product;
    };
    await page.open(origin);
    await until(
      () => page.evaluate('typeof twin'),
      (type) => type === 'object',
    );
    const begin = (name: string, url: string, more: string) => `(() => {
      const realtime = twin.connectRealtime({ url: '${url}', token: '${token}', ${more} });
      const told = [];
      realtime.on('*', ({ uri, position, polled = false, replayed = false }) => {
        told.push({ uri, position, polled, replayed });
      });
      realtime.subscribe({ topics: ['twins'], member: 'demo-ana' });
      window.${name} = { realtime, told };
    })()`;
    const coverage = (name: string) => async () => {
      const found = `window.${name}.told.filter(({ uri }) => uri === '${ANA_COVERAGE}')`;
      return (await page.evaluate(found)) as {
        polled: boolean;
        replayed: boolean;
        position: string;
      }[];
    };
    const status = (name: string) => () => page.evaluate(`window.${name}.realtime.state.status`);
    await page.evaluate(begin('one', network.origin, ''));
    await until(status('one'), (state) => state === 'connected');
    await change();
    await until(coverage('one'), (all) => all.length === 1);
    network.drop();
    await until(status('one'), (state) => state !== 'connected');
    await change();
    network.restore();
    const [, missed] = await until(coverage('one'), (all) => all.length === 2);
    assert.deepEqual([missed?.replayed, missed?.polled], [true, false]);

    const none = `WebSocket: class {
      addEventListener(type, listener) { if (type === 'close') setTimeout(() => listener({ code: 1006 })); }
      close() {}
    }, pollAfter: 1`;
    await page.evaluate(begin('two', direct, none));
    await until(
      () => page.evaluate('window.two.realtime.state.polling'),
      (on) => on === true,
    );
    await sleep(500);
    await change();
    await until(coverage('two'), (all) => all.length > 0);
    // Read before, so that the browser had something to answer from by itself.
    await page.evaluate(`window.two.realtime.read('${ANA_COVERAGE}')
      .then(() => { window.before_ = true; })`);
    await until(
      () => page.evaluate('window.before_'),
      (read) => read === true,
    );
    const product = await change();
    const [, polled] = await until(coverage('two'), (all) => all.length > 1);
    assert.equal(polled?.polled, true);
    await page.evaluate(`window.two.realtime
      .read('${ANA_COVERAGE}', { minPosition: window.two.told.at(-1).position })
      .then((document) => { window.document_ = JSON.stringify(document); })`);
    const text = await until(
      () => page.evaluate('window.document_'),
      (read) => read !== undefined,
    );
    assert.match(String(text), new RegExp(product));
    await page.evaluate('window.one.realtime.close(), window.two.realtime.close()');
  } finally {
    await network.close();
    await server?.stop();
    site.close();
  }
});
