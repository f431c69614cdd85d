import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { bringChromium } from '../tools/parts/chromium.ts';
import { openPage } from './support/browser.ts';
import { changeCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';

/** Inspector's web page in a real Chromium: it connects, reads, subscribes, and shows an update. */
const INSPECTOR = new URL('../node_modules/.bin/mcp-inspector', import.meta.url).pathname;

let chromium: string;
let server: TestServer;
before(async () => {
  chromium = await bringChromium((text) => process.stderr.write(`# ${text}\n`));
  server = await startServer();
});
after(() => server.stop());

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts the page's own backend; its address, with the key that it made up. */
async function startInspector(): Promise<{ address: string; stop: () => Promise<void> }> {
  const token = await server.token('ana');
  const target = ['--server-url', `${server.url}/mcp`, '--transport', 'http'];
  const header = ['--protocol-era', 'modern', '--header', `Authorization: Bearer ${token}`];
  const env = {
    ...process.env,
    MCP_AUTO_OPEN_ENABLED: 'false',
    MCP_INSPECTOR_SECRET_STORE: 'memory',
    CLIENT_PORT: String(await freePort()),
    MCP_SANDBOX_PORT: String(await freePort()),
  };
  const args = [INSPECTOR, '--web', ...target, ...header];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill();
    await exited;
  };
  for await (const line of createInterface(child.stdout)) {
    const address = /http:\/\/127\.0\.0\.1:\d+\?MCP_INSPECTOR_API_TOKEN=\w+/.exec(line)?.[0];
    if (address === undefined) continue;
    child.stdout.resume();
    return { address, stop };
  }
  throw new Error('Inspector did not start');
}

test('B-FM-2: Inspector’s web page shows an update arriving', async () => {
  const inspector = await startInspector();
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
