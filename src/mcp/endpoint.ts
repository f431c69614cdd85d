import type { IncomingMessage, ServerResponse } from 'node:http';
import { toWebRequest } from '@modelcontextprotocol/node';
import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server';
import { Fault } from '../kernel/errors.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Principal } from '../twin/ports.ts';
import type { Caller } from '../twin/reader/index.ts';
import { createCompleter } from './completions.ts';
import { isListen, serveListen } from './listen.ts';
import { missingScopesOf, requiredScopesOf } from './operations.ts';
import { authInfoOf, type McpParts } from './parts.ts';
import { createQuickReads, type QuickReads } from './quick-read.ts';
import { createTwinServer, identityOf } from './server.ts';
import { Sessions } from './sessions.ts';
import { guardState } from './state-guard.ts';
import { Hub } from './subscriptions/hub.ts';
import { KeepAlive } from './transport/keep-alive.ts';
import { createResponseWriter } from './transport/response.ts';

/** One authenticated message for /mcp; the body, where there is one, read and parsed. */
export interface McpExchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly body: unknown;
  readonly caller: Caller;
}

export interface McpEndpoint extends Service {
  /** Scopes that the message needs and the token lacks. */
  missingScopes(principal: Principal, body: unknown): string[];
  /** All scopes that the message needs, for the challenge of a 401 or 403. */
  requiredScopes(held: ReadonlySet<string>, body: unknown): string[];
  /** The hot path of reads; where it gives nothing, `handle` answers. */
  readonly quick: QuickReads;
  handle(exchange: McpExchange): Promise<void>;
  /** Ends the streams, each with its result, and takes no new ones; requests go on. */
  drain(): Promise<void>;
}

/** How often sessions that nobody uses are looked for. */
const IDLE_SWEEP_MS = 60_000;

/** How the SDK tells of a message that it refused: the client's mistake, which it has been told. */
const REFUSED = /^(?:Rejected |Unsupported Media Type)/;

/** MCP over Streamable HTTP: 2026-07-28 stateless, and 2025-era sessions with push. */
export function createMcpEndpoint(parts: McpParts): McpEndpoint {
  const hub = new Hub(parts);
  const complete = createCompleter(parts);
  const factory = () => createTwinServer(parts, complete);
  const sessions = new Sessions(parts, hub, factory);
  const alive = new KeepAlive();
  const modern = createMcpHandler(factory, {
    legacy: 'reject',
    // The hub counts the streams; the SDK only begins them.
    maxSubscriptions: LIMITS.streamsMax,
    onerror: (error) => {
      if (!REFUSED.test(error.message)) parts.report(error);
    },
  });
  const begin: typeof modern.fetch = (request, options) => modern.fetch(request, options);
  const listening = { ...parts, hub, alive, begin };
  let sweep: NodeJS.Timeout | undefined;
  let unfollow = (): void => undefined;
  return {
    name: 'mcp',
    missingScopes: missingScopesOf,
    requiredScopes: requiredScopesOf,
    quick: createQuickReads(parts, identityOf(parts)),
    async start() {
      await hub.start();
      alive.start();
      unfollow = parts.access.onChange((change) => sessions.accessChanged(change));
      sweep = setInterval(() => sessions.closeIdle(), IDLE_SWEEP_MS).unref();
    },
    drain: () => hub.stop(),
    async stop() {
      clearInterval(sweep);
      unfollow();
      alive.stop();
      await hub.stop();
      await sessions.close();
      await modern.close();
    },
    async handle({ req, res, body, caller }) {
      await guardState(parts, caller, body);
      const request = await webRequest(req, res, body);
      if (await isLegacyRequest(request, body)) {
        return await sessions.serve({ request, res, body, caller });
      }
      if (isListen(body)) {
        return await serveListen(listening, { request, res, body, caller });
      }
      const response = await modern.fetch(request, {
        authInfo: authInfoOf(caller),
        parsedBody: body,
      });
      response.headers.set('cache-control', 'no-store');
      await createResponseWriter(res).write(response);
    },
  };
}

/** The SDK's request; its signal aborts when the client goes, which cancels the handler. */
async function webRequest(
  req: IncomingMessage,
  res: ServerResponse,
  body: unknown,
): Promise<Request> {
  const gone = new AbortController();
  if (res.destroyed) gone.abort();
  else res.once('close', () => gone.abort());
  const { method, url, headers } = req;
  if (method === undefined || url === undefined) throw new Fault('INVALID_REQUEST');
  const message = {
    method,
    url,
    headers,
    [Symbol.asyncIterator]: () => req[Symbol.asyncIterator](),
  };
  return await toWebRequest(message, body, { signal: gone.signal });
}
