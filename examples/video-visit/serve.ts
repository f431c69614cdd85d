/**
 * A video visit with the Pusher SDK that the apps already ship, against the gateway:
 *
 *     npx node examples/video-visit/serve.ts
 *
 * Open the address that it prints: accept, ready, join, extend, end; drop the network in between.
 * Nothing is lost, and what is over does not ring. It starts a server of its own, which goes with it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Pusher from 'pusher';
import { type Network, openNetwork } from './network.ts';

const LAUNCHER = new URL('../../bin/digital-twin.js', import.meta.url).pathname;
const MEMBER = 'demo-ana';
const APP = { id: 'visits', key: 'visits-key', secret: randomBytes(24).toString('hex') };
const START_DEADLINE_MS = 60_000;
const EVENTS = [
  'call_accepted',
  'appointment_ready',
  'join_call',
  'paid_extend_call_request',
  'call_ended',
];
const FILES: Readonly<Record<string, readonly [string, string]>> = {
  '/': ['text/html; charset=utf-8', new URL('index.html', import.meta.url).pathname],
  '/app.js': ['text/javascript', new URL('app.js', import.meta.url).pathname],
  '/pusher.js': [
    'text/javascript',
    join(createRequire(import.meta.url).resolve('pusher-js'), '../../web/pusher.min.js'),
  ],
};

interface Twin {
  readonly url: string;
  readonly key: string;
}

/** @returns its address, and what ends it with all that it started */
export async function serveVisit(): Promise<{ url: string; stop: () => Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'twin-visit-'));
  const page = createServer();
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
  const network = await openNetwork();
  const { origin, serverPort } = network;
  const args = [LAUNCHER, 'serve', '--port', String(serverPort), '--data-dir', dataDir];
  const env = {
    ...process.env,
    ...{ PUBLIC_URL: origin, ALLOWED_ORIGINS: url, LOG_LEVEL: 'warn' },
    PUSHER_APPS: JSON.stringify([{ ...APP, tenant: 'demo' }]),
  };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const twin = await ready(child, dataDir);
  // Its own servers do not go by the phone's network.
  answerWith(page, { ...twin, url: `http://127.0.0.1:${serverPort}` }, network);
  const stop = async (): Promise<void> => {
    page.closeAllConnections();
    await Promise.all([new Promise((resolve) => page.close(resolve)), network.close()]);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    await rm(dataDir, { recursive: true, force: true });
  };
  return { url, stop };
}

async function ready(child: ChildProcess, dataDir: string): Promise<Twin> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    try {
      const twin = JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8')) as Twin;
      if ((await fetch(`${twin.url}/readyz`)).ok) return twin;
    } catch {
      // Not there yet.
    }
    await sleep(50);
  }
  child.kill();
  throw new Error('the server did not start');
}

function answerWith(page: Server, twin: Twin, network: Network): void {
  const { hostname: host, port } = new URL(twin.url);
  const { id: appId, key, secret } = APP;
  const clinic = new Pusher({ appId, key, secret, host, port, useTLS: false });
  page.on('request', (req, res) => {
    answer(req, res, twin, network, clinic).catch(() => res.writeHead(500).end());
  });
}

async function answer(
  req: IncomingMessage,
  res: ServerResponse,
  twin: Twin,
  network: Network,
  clinic: Pusher,
): Promise<void> {
  const { pathname, searchParams } = new URL(req.url ?? '', 'http://127.0.0.1');
  const [, part, word = ''] = pathname.split('/');
  const file = FILES[pathname];
  if (file !== undefined) {
    res.setHeader('content-type', file[0]);
    res.end(await readFile(file[1]));
  } else if (pathname === '/settings') {
    res.end(JSON.stringify(await settingsOf(twin)));
  } else if (req.method === 'POST' && part === 'clinic' && EVENTS.includes(word)) {
    const data = { callId: searchParams.get('call') ?? '1' };
    await clinic.trigger(`presence-member-${MEMBER}`, word, data);
    res.writeHead(204).end();
  } else if (req.method === 'POST' && part === 'network') {
    if (word === 'drop') network.drop();
    else network.restore();
    res.writeHead(204).end();
  } else {
    res.writeHead(404).end();
  }
}

/** As an app gets it from its own login: a token of Ana's, and where to connect. */
async function settingsOf({ url, key }: Twin): Promise<object> {
  const minted = await fetch(`${url}/oauth/dev/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ as: 'ana' }),
  });
  const { access_token: token } = (await minted.json()) as { access_token: string };
  const asked = await fetch(`${url}/v1/realtime/info?member=${MEMBER}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return { ...((await asked.json()) as object), token };
}

if (process.argv[1] === import.meta.filename) {
  const { url, stop } = await serveVisit();
  process.stdout.write(`${url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
}
