import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeServerFile } from '../../config/server-file.ts';
import { bodyOf } from './body.ts';
import { FakeMcp } from './fake-mcp.ts';

/** What a test's route answers. */
export interface FakeAnswer {
  readonly status?: number;
  readonly body: unknown;
}

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type FakeRoute = (request: FakeRequest) => FakeAnswer | undefined;

export interface FakeTwin {
  readonly url: string;
  readonly mcp: FakeMcp;
  /** Everything that was asked over plain HTTP. */
  readonly asked: FakeRequest[];
  /** Bodies of the token requests. */
  readonly tokens: Record<string, unknown>[];
  route: FakeRoute;
  stop(): Promise<void>;
}

const KEY = 'key-of-the-fake';

/** A server as the contract describes it, in a few lines: what the client side is tested against. */
export async function startFakeTwin(dataDir: string, port = 0): Promise<FakeTwin> {
  const mcp = new FakeMcp();
  const asked: FakeRequest[] = [];
  const tokens: Record<string, unknown>[] = [];
  const server = createServer((req, res) => void serve(req, res));
  const fake: FakeTwin = {
    url: '',
    mcp,
    asked,
    tokens,
    route: () => undefined,
    async stop() {
      await mcp.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '', 'http://fake');
    if (url.pathname === '/healthz') return send(res, 200, { status: 'ok', pid: process.pid });
    if (url.pathname === '/readyz') return send(res, 200, { ready: true });
    if (url.pathname.startsWith('/oauth/dev/')) return await development(req, res, url.pathname);
    if (!/^Bearer token-/.test(req.headers.authorization ?? '')) {
      return send(res, 401, errorBody('UNAUTHENTICATED', 'A valid access token is needed.'));
    }
    if (url.pathname === '/mcp') return await mcp.serve(req, res);
    const request = {
      method: req.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: req.headers,
      body: await bodyOf(req),
    };
    asked.push(request);
    const answer = fake.route(request) ?? changesAnswer(mcp, request);
    if (answer === undefined) return send(res, 404, errorBody('NOT_FOUND', 'Nothing here.'));
    send(res, answer.status ?? 200, answer.body);
  }

  async function development(req: IncomingMessage, res: ServerResponse, path: string) {
    if (req.headers.authorization !== `Bearer ${KEY}`) {
      return send(res, 401, errorBody('UNAUTHENTICATED', 'The key is needed.'));
    }
    if (path === '/oauth/dev/hold') {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      return res.flushHeaders();
    }
    const body = JSON.parse((await bodyOf(req)).toString()) as Record<string, unknown>;
    tokens.push(body);
    const access_token = `token-${body.as}-${tokens.length}`;
    send(res, 200, {
      access_token,
      token_type: 'Bearer',
      expires_in: 3600,
      scope: body.scope ?? '',
    });
  }

  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  const url = `http://127.0.0.1:${bound}`;
  await writeServerFile(dataDir, {
    pid: process.pid,
    host: '127.0.0.1',
    port: bound,
    url,
    key: KEY,
    startedAt: new Date().toISOString(),
    version: '0.0.0',
  });
  return Object.assign(fake, { url });
}

export function errorBody(code: string, message: string, data?: unknown) {
  return { error: { code, message, retry: 'never', correlationId: 'abc', data } };
}

/** Cursors of the fake are places in its list of changes. */
function changesAnswer(mcp: FakeMcp, { path, query }: FakeRequest): FakeAnswer | undefined {
  if (path !== '/v1/changes') return undefined;
  const cursor = query.get('cursor') ?? 'now';
  const after = cursor === 'now' ? mcp.changes.length : cursor === 'start' ? 0 : Number(cursor);
  const body = { changes: mcp.changes.slice(after), next: `${mcp.changes.length}`, more: false };
  return { body };
}

function send(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
