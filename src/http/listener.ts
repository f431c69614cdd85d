import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asFault } from '../kernel/errors.ts';
import { randomId } from '../kernel/ids.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import { createGuards, type Guards } from './guards.ts';
import { IdleWatch } from './idle.ts';
import { serveMcp } from './mcp-route.ts';
import type { HttpOptions, HttpParts } from './parts.ts';
import { createPlainRoutes } from './plain/index.ts';
import { plainError, sendJson } from './respond.ts';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** Open connections at most; the process may hold 20,000 files. */
const CONNECTIONS_MAX = 18_000;
/** How many ports are tried when none is named. */
const PORTS_TRIED = 100;
/** How long open requests may take to end when the listener stops. */
const DRAIN_MS = 5_000;

/** The one listener: guards first, then MCP, or the plain routes. */
export class Listener implements Service {
  readonly name = 'http';
  readonly #parts: () => HttpParts;
  readonly #options: HttpOptions;
  readonly #server: Server;
  readonly #idle: IdleWatch;
  #guards: Guards | undefined;
  #plain: Handler | undefined;

  /** @param parts asked for once the port is known, since the audience of tokens contains it. */
  constructor(parts: () => HttpParts, options: HttpOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#idle = new IdleWatch(options.idleExitMs, options.onIdle);
    this.#server = createServer(
      {
        maxHeaderSize: LIMITS.requestHeaderBytesMax,
        headersTimeout: LIMITS.headersTimeoutMs,
        requestTimeout: LIMITS.requestTimeoutMs,
        requireHostHeader: false,
      },
      (req, res) => this.#serve(req, res),
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Binds the port without answering yet: requests wait in the backlog until `start`. */
  async bind(): Promise<number> {
    const { port, portNamed, host } = this.#options;
    for (let tried = 0; ; tried += 1) {
      try {
        return await listen(this.#server, port === 0 ? 0 : port + tried, host);
      } catch (error) {
        const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!taken || portNamed || tried >= PORTS_TRIED) throw error;
      }
    }
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  start(): Promise<void> {
    const { publicUrl, allowedOrigins } = this.#options;
    this.#guards = createGuards(publicUrl(this.port), this.port, allowedOrigins);
    this.#plain = createPlainRoutes(this.#parts());
    this.#idle.start();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#idle.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const drained = setTimeout(() => this.#server.closeAllConnections(), DRAIN_MS).unref();
    await closed;
    clearTimeout(drained);
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    const correlationId = randomId();
    if (this.#guards === undefined || this.#plain === undefined) {
      sendJson(res, 503, { error: { code: 'STARTING' } }, { 'retry-after': '1' });
      return;
    }
    this.#idle.enter(res);
    const began = performance.now();
    const path = (req.url ?? '').split('?')[0] ?? '';
    const route = path === '/mcp' ? 'mcp' : 'plain';
    res.once('close', () => {
      this.#parts().served(route, res.statusCode, (performance.now() - began) / 1000);
    });
    try {
      this.#guards.check(req);
      if (this.#preflight(req, res)) return;
      if (path === '/mcp') void serveMcp(this.#parts(), req, res, correlationId);
      else this.#plain(req, res);
    } catch (error) {
      const [status, answer] = plainError(asFault(error), correlationId);
      sendJson(res, status, answer);
    }
  }

  /** CORS for the allowed origins alone (the guards refused all others); never with credentials. */
  #preflight(req: IncomingMessage, res: ServerResponse): boolean {
    const origin = this.#guards?.originOf(req);
    if (origin !== undefined) {
      res.setHeader('access-control-allow-origin', origin);
      res.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
    }
    if (req.method !== 'OPTIONS') return false;
    res.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
    res.setHeader('access-control-allow-headers', ALLOWED_HEADERS);
    res.writeHead(204).end();
    return true;
  }
}

const EXPOSED_HEADERS = 'Mcp-Session-Id, WWW-Authenticate, ETag, Position, Correlation-Id';
const ALLOWED_HEADERS =
  'Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, ' +
  'Mcp-Name, Last-Event-ID, If-None-Match, Min-Position, Idempotency-Key';

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
