import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sleep } from '../../src/kernel/clock.ts';

/** A page of a real Chromium, by the DevTools protocol: as much of it as a click and a look need. */
export interface Page {
  open(url: string): Promise<void>;
  /** Waits for a control with this name, and clicks it as a hand would. */
  click(name: RegExp): Promise<void>;
  /** Types into what has the focus. */
  type(text: string): Promise<void>;
  /** Waits until the page's text matches. */
  shows(text: RegExp): Promise<void>;
  /** What an expression is worth there. */
  evaluate(expression: string): Promise<unknown>;
  /** A PNG. */
  screenshot(): Promise<Buffer>;
  close(): Promise<void>;
}

const WITHIN_MS = 30_000;
export async function openPage(chromium: string): Promise<Page> {
  const profile = await mkdtemp(join(tmpdir(), 'twin-chromium-'));
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--window-size=1400,1000'];
  // Nothing of it looks for the world outside, which a test machine may not have.
  const alone = ['--no-first-run', '--disable-background-networking', '--disable-sync'];
  const debugging = ['--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'];
  const child = spawn(chromium, [...flags, ...alone, ...debugging], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const socket = await connect(await pageAddress(child));
  const send = sender(socket);
  const evaluate = async (expression: string): Promise<unknown> => {
    const answer = await send('Runtime.evaluate', { expression, returnByValue: true });
    return (answer.result as { value?: unknown } | undefined)?.value;
  };
  return {
    open: async (url) => void (await send('Page.navigate', { url })),
    async click(name) {
      const found = await until(() => evaluate(controlAt(name)), `no control ${name}`);
      const [x, y] = found as [number, number];
      for (const type of ['mousePressed', 'mouseReleased']) {
        await send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
      }
    },
    type: async (text) => void (await send('Input.insertText', { text })),
    async shows(text) {
      const shown = async () => text.test(String(await evaluate('document.body.innerText')));
      await until(shown, `the page does not show ${text}`);
    },
    evaluate,
    async screenshot() {
      const { data } = await send('Page.captureScreenshot', { format: 'png' });
      return Buffer.from(String(data), 'base64');
    },
    async close() {
      socket.close();
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await exited;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The smallest visible element of that name, its middle in the viewport; or nothing. */
function controlAt(name: RegExp): string {
  return `(() => {
    const named = (e) => (e.getAttribute('aria-label') ?? '') + (e.innerText ?? '').trim();
    const area = ({ width, height }) => width * height;
    const [first] = [...document.querySelectorAll('button,label,input,p,a')]
      .filter((e) => e.offsetParent !== null && ${name}.test(named(e)))
      .map((e) => ({ e, box: e.getBoundingClientRect() }))
      .sort((a, b) => area(a.box) - area(b.box));
    if (first === undefined) return null;
    first.e.scrollIntoView({ block: 'center' });
    const { x, y, width, height } = first.e.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  })()`;
}

async function pageAddress(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error('no stderr');
  for await (const line of createInterface(child.stderr)) {
    const port = /^DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stderr.resume();
    const pages = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
      type: string;
      webSocketDebuggerUrl: string;
    }[];
    const page = pages.find(({ type }) => type === 'page');
    if (page !== undefined) return page.webSocketDebuggerUrl;
  }
  throw new Error('Chromium did not start');
}

async function connect(address: string): Promise<WebSocket> {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', reject, { once: true });
  });
  return socket;
}

type Answer = Readonly<Record<string, unknown>>;

function sender(socket: WebSocket) {
  const waiting = new Map<number, (answer: Answer) => void>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: Answer };
    if (id !== undefined) waiting.get(id)?.(result ?? {});
  });
  return (method: string, params: Answer): Promise<Answer> => {
    last += 1;
    const id = last;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
}

async function until(holds: () => Promise<unknown>, otherwise: string): Promise<unknown> {
  const deadline = Date.now() + WITHIN_MS;
  for (;;) {
    const found = await holds();
    if (found !== null && found !== false && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(otherwise);
    await sleep(100);
  }
}

/** Takes a picture of the page, and keeps it where `SCREENSHOTS` names a folder, to be looked at. */
export async function picture(page: Page, name: string): Promise<void> {
  const png = await page.screenshot();
  assert.ok(png.length > 5_000);
  const folder = process.env.SCREENSHOTS;
  if (folder !== undefined) await writeFile(join(folder, `${name}.png`), png);
}
