import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Published {
  readonly channels: readonly string[];
  readonly name: string;
  readonly data: string;
}

/** Stands in for Pusher's HTTP API: whatever is not signed as Pusher asks is refused. */
export async function startPusherServer(key: string, secret: string) {
  const published: Published[] = [];
  const state = { channels: [] as string[], answer: 200, refused: 0, waits: Promise.resolve() };
  const server = createServer((req, res) => {
    serve(req, res).catch(() => res.writeHead(500).end());
  });
  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(req.url ?? '', 'http://127.0.0.1');
    if (!isSigned(req.method ?? '', url, body, key, secret)) {
      state.refused += 1;
      res.writeHead(401).end('Invalid signature: secret things');
      return;
    }
    await state.waits;
    if (state.answer !== 200) {
      res.writeHead(state.answer).end('secret things');
      return;
    }
    if (req.method === 'GET') {
      const channels = Object.fromEntries(state.channels.map((name) => [name, {}]));
      res.end(JSON.stringify({ channels }));
      return;
    }
    published.push(JSON.parse(body.toString('utf8')) as Published);
    res.end('{}');
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  const settings = { appId: '7', key, secret, host: '127.0.0.1', port, tls: false };
  return { settings, published, state, close };
}

/** realtime.md §2.5: of the method, the path and all parameters but the signature, in order. */
function isSigned(method: string, url: URL, body: Buffer, key: string, secret: string): boolean {
  const given = Object.fromEntries(url.searchParams);
  const { auth_signature: signature, ...rest } = given;
  const query = Object.entries(rest)
    .map(([name, value]) => `${name.toLowerCase()}=${value}`)
    .sort()
    .join('&');
  const text = `${method}\n${url.pathname}\n${query}`;
  const expected = createHmac('sha256', secret).update(text).digest('hex');
  const md5 = body.length === 0 ? undefined : createHash('md5').update(body).digest('hex');
  const isFresh = Math.abs(Number(rest.auth_timestamp) - Date.now() / 1_000) < 600;
  return signature === expected && rest.auth_key === key && rest.body_md5 === md5 && isFresh;
}
