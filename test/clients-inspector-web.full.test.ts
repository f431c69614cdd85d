import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { bringChromium } from '../tools/parts/chromium.ts';
import { openPage } from './support/browser.ts';
import { changeCoverage } from './support/changes.ts';
import { startInspectorPage } from './support/inspector-page.ts';
import { startServer, type TestServer } from './support/server.ts';

/** Inspector's web page in a real Chromium: it connects, reads, subscribes, and shows an update. */
let chromium: string;
let server: TestServer;
before(async () => {
  chromium = await bringChromium((text) => process.stderr.write(`# ${text}\n`));
  server = await startServer();
});
after(() => server.stop());

test('B-FM-2: Inspector’s web page shows an update arriving', async () => {
  const inspector = await startInspectorPage(server.url, await server.token('ana'));
  const page = await openPage(chromium);
  try {
    await page.open(inspector.address);
    await page.click(/^Connect or disconnect/);
    await page.shows(/MCP 2026-07-28/);
    await page.click(/^Resources$/);
    await page.click(/^Coverage$/);
    await page.shows(/"section": "coverage"/);
    await page.click(/^Subscribe$/);
    await page.shows(/SUBSCRIPTIONS\/ACKNOWLEDGED/i);
    await changeCoverage(server);
    await page.shows(/NOTIFICATIONS\/RESOURCES\/UPDATED/i);
    const picture = await page.screenshot();
    assert.ok(picture.length > 10_000);
    const path = process.env.SCREENSHOT;
    if (path !== undefined) await writeFile(path, picture);
  } finally {
    await page.close();
    await inspector.stop();
  }
});
