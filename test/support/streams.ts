import { type IncomingMessage, request } from 'node:http';
import { sleep } from '../../src/kernel/clock.ts';
import { hostAndToken, messageOf, type RpcMessage } from './ask.ts';
import type { Told } from './clients.ts';
import { modernMessage, rawRequest } from './raw.ts';
import type { TestServer } from './server.ts';

/** An event stream as it comes off the socket, so that a test can stop reading it. */
export interface RawStream {
  readonly status: number;
  /** URIs that the acknowledgement names; empty where there was none. */
  readonly acknowledged: readonly string[];
  readonly told: readonly Told[];
  readonly ended: boolean;
  /** The error that came instead of a stream. */
  readonly refusal: RpcMessage['error'];
  heard(count: number): Promise<void>;
  /** Waits until a told update carries this etag. */
  heardOf(etag: string): Promise<void>;
  /** Waits until the server has ended the stream. */
  end(): Promise<void>;
  pause(): void;
  resume(): void;
  close(): void;
}

/** Opens `subscriptions/listen` (2026-07-28) and waits for what comes first. */
export async function listen(
  server: TestServer,
  token: string,
  uris: readonly string[],
): Promise<RawStream> {
  const params = { notifications: { resourceSubscriptions: uris } };
  const { headers, body } = modernMessage('subscriptions/listen', params);
  return await open(server, 'POST', [...hostAndToken(server, token), ...headers], body);
}

/** A session of the 2025 era, message by message. */
export interface RawSession {
  readonly id: string;
  send(method: string, params: Readonly<Record<string, unknown>>): Promise<RpcMessage>;
  /** Opens the GET stream, with another token where one is given. */
  push(token?: string): Promise<RawStream>;
}

export async function openSession(server: TestServer, token: string): Promise<RawSession> {
  const base = (bearer: string): [string, string][] => [
    ...hostAndToken(server, bearer),
    ['Accept', 'application/json, text/event-stream'],
  ];
  const post = (message: object, more: [string, string][] = []) =>
    rawRequest(server.url, {
      headers: [...base(token), ['Content-Type', 'application/json'], ...more],
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
  const clientInfo = { name: 'raw', version: '1' };
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
  const opened = await post({ id: 1, method: 'initialize', params });
  const id = String(opened.headers['mcp-session-id']);
  const session: [string, string] = ['Mcp-Session-Id', id];
  await post({ method: 'notifications/initialized' }, [session]);
  return {
    id,
    send: async (method, more) =>
      messageOf((await post({ id: 2, method, params: more }, [session])).text),
    push: (bearer = token) => open(server, 'GET', [...base(bearer), session]),
  };
}

const FIRST_WITHIN_MS = 5_000;
const HEARD_WITHIN_MS = 8_000;

async function open(
  server: TestServer,
  method: string,
  headers: readonly (readonly [string, string])[],
  body?: string,
): Promise<RawStream> {
  const { hostname, port } = new URL(server.url);
  const res = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { hostname, port, method, path: '/mcp', headers: headers.flat(), agent: false };
    const req = request({ ...options, setHost: false }, resolve);
    req.on('error', reject);
    req.end(body);
  });
  const state = collect(res);
  const streaming = res.headers['content-type']?.startsWith('text/event-stream') === true;
  // A GET stream of a session says nothing before there is something to tell.
  const wanted = () => (!streaming ? state.ended : method === 'GET' || state.messages.length > 0);
  await until(() => wanted() || state.ended, FIRST_WITHIN_MS, 'no first message');
  return streamOf(res, state);
}

interface Collected {
  readonly messages: RpcMessage[];
  ended: boolean;
}

function collect(res: IncomingMessage): Collected {
  const state: Collected = { messages: [], ended: false };
  let text = '';
  res.setEncoding('utf8');
  res.on('data', (chunk: string) => {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const message = messageOf(block);
      if (Object.keys(message).length > 0) state.messages.push(message);
    }
  });
  res.on('error', () => undefined);
  res.on('close', () => {
    if (text.startsWith('{')) state.messages.push(messageOf(text));
    state.ended = true;
  });
  return state;
}

function streamOf(res: IncomingMessage, state: Collected): RawStream {
  const told = (): Told[] =>
    state.messages
      .filter(({ method }) => method === 'notifications/resources/updated')
      .map(({ params }) => ({
        uri: String(params?.uri),
        meta: (params?._meta ?? {}) as Told['meta'],
      }));
  return {
    status: res.statusCode ?? 0,
    get acknowledged() {
      const first = state.messages[0]?.params?.notifications as
        | { resourceSubscriptions?: string[] }
        | undefined;
      return first?.resourceSubscriptions ?? [];
    },
    get told() {
      return told();
    },
    get ended() {
      return state.ended;
    },
    get refusal() {
      return state.messages.find(({ error }) => error !== undefined)?.error;
    },
    heard: (count) => until(() => told().length >= count, HEARD_WITHIN_MS, `not told ${count}`),
    heardOf: (etag) =>
      until(() => told().some(({ meta }) => etagOf(meta) === etag), HEARD_WITHIN_MS, `no ${etag}`),
    end: () => until(() => state.ended, HEARD_WITHIN_MS, 'the stream has not ended'),
    pause: () => void res.pause(),
    resume: () => void res.resume(),
    close: () => void res.destroy(),
  };
}

export function etagOf(meta: Told['meta']): string {
  return String(meta['io.digital-twin/etag']);
}

async function until(holds: () => boolean, withinMs: number, otherwise: string): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(otherwise);
    await sleep(5);
  }
}
