import type { ServerResponse } from 'node:http';
import {
  isInitializeRequest,
  isJSONRPCRequest,
  type McpServer,
  type RequestId,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { Fault } from '../kernel/errors.ts';
import { randomId } from '../kernel/ids.ts';
import { LIMITS } from '../kernel/limits.ts';
import { principalKey } from '../twin/principals.ts';
import type { Caller } from '../twin/reader/index.ts';
import { protocolErrorOf } from './faults.ts';
import { noteOf } from './listen.ts';
import { authInfoOf, callerOf, type McpParts } from './parts.ts';
import type { Hub, Stream } from './subscriptions/hub.ts';
import type { Sink } from './subscriptions/stream.ts';
import { createResponseWriter, type ResponseWriter } from './transport/response.ts';

/** A session of the 2025 era: state on this instance, bound to its principal. */
interface Session {
  readonly id: string;
  readonly owner: string;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly server: McpServer;
  readonly stream: Stream;
  /** Requests that have no answer yet. */
  readonly asked: Set<RequestId>;
  /** The GET stream, while one is open. */
  push: ResponseWriter | undefined;
  usedAt: number;
}

interface Exchange {
  readonly request: Request;
  readonly res: ServerResponse;
  readonly body: unknown;
  readonly caller: Caller;
}

/**
 * 2025-era sessions. The SDK binds them to nobody (security.md §0.3), so each request is compared
 * with the session's principal; a foreign session looks like an unknown one. Ids are ours, whatever
 * a client sends with `initialize`. There is no event store: what a client missed is told again,
 * coalesced, when its GET stream is back.
 */
export class Sessions {
  readonly #parts: McpParts;
  readonly #hub: Hub;
  readonly #createServer: () => McpServer;
  readonly #sessions = new Map<string, Session>();

  constructor(parts: McpParts, hub: Hub, createServer: () => McpServer) {
    this.#parts = parts;
    this.#hub = hub;
    this.#createServer = createServer;
  }

  get size(): number {
    return this.#sessions.size;
  }

  async serve({ request, res, body, caller }: Exchange): Promise<void> {
    const session = await this.#sessionFor(request, body, caller);
    const id = isJSONRPCRequest(body) ? body.id : undefined;
    if (id === undefined) return await this.#answer(session, { request, res, body, caller });
    if (session.asked.has(id)) throw askedAlready();
    session.asked.add(id);
    try {
      await this.#answer(session, { request, res, body, caller });
    } finally {
      session.asked.delete(id);
    }
  }

  async #answer(session: Session, { request, res, body, caller }: Exchange): Promise<void> {
    session.usedAt = this.#parts.clock.monotonic();
    const response = await session.transport.handleRequest(request, {
      authInfo: authInfoOf(caller),
      ...(body !== undefined && { parsedBody: body }),
    });
    const writer = createResponseWriter(res);
    const isPush = request.method === 'GET' && response.status === 200;
    if (!isPush) return await writer.write(response);
    session.push = writer;
    try {
      await Promise.all([writer.write(response), session.stream.resume(caller)]);
    } finally {
      session.usedAt = this.#parts.clock.monotonic();
      if (session.push === writer) session.push = undefined;
    }
  }

  closeIdle(): void {
    const horizon = this.#parts.clock.monotonic() - LIMITS.sessionIdleMs;
    for (const session of this.#sessions.values()) {
      if (session.push === undefined && session.usedAt < horizon) void this.#end(session);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => this.#end(session)));
  }

  async #sessionFor(request: Request, body: unknown, caller: Caller): Promise<Session> {
    const id = request.headers.get('mcp-session-id');
    if (isInitializeRequest(body)) return await this.#create(caller);
    const session = id === null ? undefined : this.#sessions.get(id);
    if (session?.owner === principalKey(caller.principal)) return session;
    if (session !== undefined) await this.#auditForeign(caller);
    throw id === null
      ? new Fault('INVALID_REQUEST', { detail: 'Mcp-Session-Id is missing: initialize first.' })
      : new Fault('NOT_FOUND', { detail: 'Session not found: initialize again.' });
  }

  #auditForeign(caller: Caller): Promise<void> {
    const why = 'session of another principal';
    const record = { action: 'session', outcome: 'denied', ...caller, what: [], why } as const;
    return this.#parts.audit.append(record);
  }

  async #create(caller: Caller): Promise<Session> {
    const owner = principalKey(caller.principal);
    await this.#makeRoom(owner);
    const id = randomId();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
    });
    const server = this.#createServer();
    const stream = this.#hub.open('session', caller.principal, this.#sinkOf(id));
    registerSubscriptions(this.#parts, server, stream);
    await server.connect(transport);
    const session: Session = {
      ...{ id, owner, transport, server, stream },
      asked: new Set(),
      push: undefined,
      usedAt: this.#parts.clock.monotonic(),
    };
    this.#sessions.set(id, session);
    server.server.onclose = () => void this.#end(session);
    return session;
  }

  /** Past the cap the longest unused session without a GET stream gives way. */
  async #makeRoom(owner: string): Promise<void> {
    const own = [...this.#sessions.values()].filter((session) => session.owner === owner);
    if (own.length < LIMITS.sessionsPerPrincipalMax) return;
    const quiet = own.filter(({ push }) => push === undefined);
    const oldest = quiet.sort((a, b) => a.usedAt - b.usedAt)[0];
    if (oldest === undefined) throw new Fault('RATE_LIMITED', { detail: 'Too many sessions.' });
    await this.#end(oldest);
  }

  #sinkOf(id: string): Sink {
    const session = (): Session | undefined => this.#sessions.get(id);
    const endPush = (): void => session()?.push?.end();
    return {
      ready: () => session()?.push?.open === true,
      send: async (update) => {
        const delivered = session()?.push?.delivered();
        const note = { uri: update.uri, ...noteOf(this.#parts, update) };
        await session()?.server.server.sendResourceUpdated(note);
        return (await delivered) === true;
      },
      expired: endPush,
      // The subscription is gone; the client learns nothing that a later subscribe would not say.
      revoked: () => undefined,
      unverifiable: endPush,
    };
  }

  async #end(session: Session): Promise<void> {
    if (!this.#sessions.delete(session.id)) return;
    session.stream.close();
    session.push?.end();
    await session.server.close().catch((error: unknown) => this.#parts.report(error));
  }
}

/** The SDK would give the first answer to whoever asked last, and none to the other. */
function askedAlready(): Fault {
  const detail = 'A request of this session with this id is still being answered.';
  return new Fault('INVALID_REQUEST', { detail });
}

/** The SDK's server has no handler for these two (security.md §1.3 S6). */
function registerSubscriptions(parts: McpParts, { server }: McpServer, stream: Stream): void {
  server.setRequestHandler('resources/subscribe', async ({ params }, ctx) => {
    const caller = callerOf(ctx);
    try {
      const granted = await stream.add(caller, [params.uri]);
      if (granted.length === 0) throw new Fault('NOT_FOUND', { data: { uri: params.uri } });
      return {};
    } catch (error) {
      throw protocolErrorOf(parts, error, caller.correlationId);
    }
  });
  server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    stream.remove(params.uri);
    return {};
  });
}
