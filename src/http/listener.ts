import { setMaxListeners } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { asFault, Fault } from '../kernel/errors.ts';
import { randomId } from '../kernel/ids.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import { createGuards, type Guards } from './guards.ts';
import { IdleWatch } from './idle.ts';
import { serveMcp } from './mcp-route.ts';
import type { HttpOptions, HttpParts } from './parts.ts';
import { HOLD_PATH } from './plain/development.ts';
import { createPlainRoutes } from './plain/index.ts';
import { plainError, sendJson } from './respond.ts';
import { answerUnparsable } from './unparsable.ts';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** Open connections at most; the process may hold 20,000 files. */
const CONNECTIONS_MAX = 18_000;
/** How many ports are tried when none is named. */
const PORTS_TRIED = 100;
/** How long open requests may take to end when the listener stops. */
const DRAIN_MS = 5_000;
const IDLE_SWEEP_MS = 50;
/** How often slow requests are looked for; Node's 30 s would add that much to each bound. */
const SLOW_SWEEP_MS = 1_000;
/** Who balances or watches goes on asking while the rest ends. */
const HEALTH_PATHS = new Set(['/healthz', '/readyz']);

/** The one listener: guards first, then MCP, or the plain routes. */
export class Listener implements Service {
  readonly name = 'http';
  readonly #options: HttpOptions;
  readonly #server: Server;
  readonly #idle: IdleWatch;
  #open: Opened | undefined;
  #answering = false;
  #draining = false;
  /** Long polls answer at once when the listener stops. */
  readonly #stopping = new AbortController();
  /** Upgrade requests that came before the server was ready: they wait for it. */
  readonly #early: (() => void)[] = [];
  /** Plain event streams (the bridges' hold), which nothing else ends. */
  readonly #held = new Set<ServerResponse>();

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#idle = new IdleWatch(options.idleExitMs, options.onIdle);
    this.#server = createServer(
      {
        maxHeaderSize: LIMITS.requestHeaderBytesMax,
        headersTimeout: LIMITS.headersTimeoutMs,
        requestTimeout: LIMITS.requestTimeoutMs,
        connectionsCheckingInterval: SLOW_SWEEP_MS,
        requireHostHeader: false,
      },
      (req, res) => this.#serve(req, res),
    );
    setMaxListeners(0, this.#stopping.signal);
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('clientError', answerUnparsable);
    this.#server.on('upgrade', (req, stream, head) => this.#upgrade(req, stream, head));
  }

  /** Takes the port; whoever comes is told to wait until `answer`. */
  async bind(): Promise<number> {
    const { port, portNamed, host, reusePort = false } = this.#options;
    for (let tried = 0; ; tried += 1) {
      try {
        const at = { port: port === 0 ? 0 : port + tried, host, reusePort };
        return await listen(this.#server, at);
      } catch (error) {
        const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!taken) throw error;
        if (portNamed || tried >= PORTS_TRIED) throw portTaken(port + tried, host);
      }
    }
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The parts, once the port is known that the audience of tokens contains. */
  open(parts: HttpParts): void {
    const { publicUrl, allowedOrigins } = this.#options;
    const guards = createGuards(publicUrl(this.port), this.port, allowedOrigins);
    const plain = createPlainRoutes({ ...parts, stopping: this.#stopping.signal });
    this.#open = { parts, guards, plain };
  }

  /** Everything behind is ready. */
  answer(): void {
    this.#answering = true;
    this.#idle.start();
    for (const upgrade of this.#early.splice(0)) upgrade();
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Takes nobody new, ends the streams with their results, and lets open requests finish. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#stopping.abort();
    this.#idle.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const idle = setInterval(() => this.#server.closeIdleConnections(), IDLE_SWEEP_MS);
    const late = setTimeout(() => this.#server.closeAllConnections(), DRAIN_MS);
    const { mcp, upgrades, report } = this.#open?.parts ?? {};
    const sockets = upgrades?.drain().catch(report);
    await mcp?.drain().catch(report);
    await sockets;
    for (const res of this.#held) res.end();
    await closed;
    clearInterval(idle);
    clearTimeout(late);
  }

  /**
   * A page of a foreign origin is refused, as everywhere. Whoever else comes is accepted, also
   * before the server is ready: refused, a stock client would stay away (realtime.md §0.2).
   */
  #upgrade(req: IncomingMessage, stream: Duplex, head: Buffer): void {
    if (!this.#answering && !this.#draining) {
      this.#early.push(() => this.#upgrade(req, stream, head));
      return;
    }
    const { parts, guards } = this.#open ?? {};
    if (parts?.upgrades === undefined || guards === undefined) {
      refuseUpgrade(stream, parts === undefined ? 503 : 404);
      return;
    }
    try {
      guards.check(req);
    } catch (error) {
      refuseUpgrade(stream, asFault(error).row.http);
      return;
    }
    this.#idle.enter(stream);
    parts.upgrades.upgrade(req, stream, head);
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    const correlationId = randomId();
    const path = (req.url ?? '').split('?')[0] ?? '';
    if (this.#open === undefined || !this.#answering) {
      sendJson(res, 503, { error: { code: 'STARTING' } }, { 'retry-after': '1' });
      return;
    }
    if (this.#draining && !HEALTH_PATHS.has(path)) {
      refuseLate(res, correlationId);
      return;
    }
    const { parts, guards, plain } = this.#open;
    this.#idle.enter(res);
    const began = performance.now();
    const isMcp = path === '/mcp';
    res.once('close', () => {
      const seconds = (performance.now() - began) / 1000;
      parts.served(isMcp ? 'mcp' : 'plain', res.statusCode, seconds);
      this.#held.delete(res);
    });
    if (path === HOLD_PATH) this.#held.add(res);
    try {
      guards.check(req);
      allowOrigin(res, guards.originOf(req));
      if (req.method === 'OPTIONS') preflight(res);
      else if (isMcp) {
        serveMcp(parts, req, res, correlationId).catch((error: unknown) => {
          parts.report(error, correlationId);
          res.destroy();
        });
      } else plain(req, res);
    } catch (error) {
      const [status, answer] = plainError(asFault(error), correlationId);
      sendJson(res, status, answer);
    }
  }
}

function portTaken(port: number, host: string): Error {
  return new Error(`Port ${port} of ${host} is taken: end what listens there, or name another.`);
}

function refuseUpgrade(stream: Duplex, status: number): void {
  stream.on('error', () => undefined);
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
  stream.end(`${line}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
}

function refuseLate(res: ServerResponse, correlationId: string): void {
  const [status, answer] = plainError(new Fault('SHUTTING_DOWN'), correlationId);
  sendJson(res, status, answer, { 'retry-after': '1', connection: 'close' });
}

interface Opened {
  readonly parts: HttpParts;
  readonly guards: Guards;
  readonly plain: Handler;
}

/** CORS for the allowed origins alone (the guards refused all others); never with credentials. */
function allowOrigin(res: ServerResponse, origin: string | undefined): void {
  if (origin === undefined) return;
  res.setHeader('access-control-allow-origin', origin);
  res.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
}

function preflight(res: ServerResponse): void {
  res.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
  res.setHeader('access-control-allow-headers', ALLOWED_HEADERS);
  res.writeHead(204).end();
}

const EXPOSED_HEADERS =
  'Mcp-Session-Id, WWW-Authenticate, ETag, Position, Withheld, Break-Glass, Correlation-Id';
const ALLOWED_HEADERS =
  'Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, ' +
  'Mcp-Name, Last-Event-ID, If-None-Match, Min-Position, Idempotency-Key';

function listen(
  server: Server,
  at: { readonly port: number; readonly host: string; readonly reusePort: boolean },
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
