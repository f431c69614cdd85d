import type { ServerResponse } from 'node:http';
import {
  isInitializeRequest,
  isJSONRPCRequest,
  isSpecType,
  type McpServer,
  type RequestId,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { Fault } from '../kernel/errors.ts';
import { randomId } from '../kernel/ids.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { AccessChange, Principal } from '../twin/ports.ts';
import { endsAllOf, principalKey } from '../twin/principals.ts';
import type { Caller } from '../twin/reader/index.ts';
import { protocolErrorOf } from './faults.ts';
import { noteOf } from './listen-frames.ts';
import { authInfoOf, callerOf, type McpParts } from './parts.ts';
import { KeptBytes } from './resumption/budget.ts';
import { SessionEvents } from './resumption/session-events.ts';
import type { Hub, Stream } from './subscriptions/hub.ts';
import type { Sink } from './subscriptions/stream.ts';
import { createResponseWriter, type ResponseWriter } from './transport/response.ts';

/** A session of the 2025 era: state on this instance, bound to its principal. */
interface Session {
  readonly id: string;
  readonly owner: string;
  readonly principal: Principal;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly server: McpServer;
  readonly stream: Stream;
  /** Its requests, and the answers that it may come back for. */
  readonly events: SessionEvents;
  /** The GET stream, while one is open. */
  push: ResponseWriter | undefined;
  usedAt: number;
}

/** How long a client waits before it comes back for an answer: what the SDKs do by themselves. */
const RETRY_MS = 1_000;

interface Exchange {
  readonly request: Request;
  readonly res: ServerResponse;
  readonly body: unknown;
  readonly caller: Caller;
}

/**
 * 2025-era sessions. The SDK binds them to nobody (security.md §0.3), so each request is compared
 * with the session's principal; a foreign session looks like an unknown one. Ids are ours, whatever
 * a client sends with `initialize`. What the GET stream missed is told anew, coalesced, when it is
 * back; an answer whose POST stream broke can be resumed (`resumption`).
 */
export class Sessions {
  readonly #parts: McpParts;
  readonly #hub: Hub;
  readonly #createServer: () => McpServer;
  readonly #sessions = new Map<string, Session>();
  readonly #kept = new KeptBytes();

  constructor(parts: McpParts, hub: Hub, createServer: () => McpServer) {
    this.#parts = parts;
    this.#hub = hub;
    this.#createServer = createServer;
  }

  get size(): number {
    return this.#sessions.size;
  }

  async serve(exchange: Exchange): Promise<void> {
    const { request, body, caller } = exchange;
    const session = await this.#sessionFor(request, body, caller);
    const { events } = session;
    session.usedAt = this.#parts.clock.monotonic();
    // The SDK takes an empty one for none.
    const lastEventId = request.method === 'GET' ? request.headers.get('last-event-id') : null;
    if (lastEventId) return await this.#resume(session, exchange, lastEventId);
    if (isCancelled(body)) events.cancelled(body.params.requestId);
    const handle = (): Promise<Response> => handleWith(session, exchange);
    const isRequest = isJSONRPCRequest(body);
    const response = await (isRequest ? events.asking(caller, body.id, handle) : handle());
    const writer = createResponseWriter(exchange.res);
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

  /** The rest of one request's stream: never the session's push stream, whatever comes of it. */
  async #resume(session: Session, exchange: Exchange, lastEventId: string): Promise<void> {
    const { events, transport } = session;
    const response = await events.resuming(
      exchange.caller,
      lastEventId,
      // A connection that broke is often noticed late; the client would meet a 409 until then.
      (requestId) => transport.closeSSEStream(requestId),
      () => handleWith(session, exchange),
    );
    await createResponseWriter(exchange.res).write(primed(response, exchange.request));
  }

  /** What was kept for who may not see it any more goes at once; of a suspended client all goes. */
  accessChanged(change: AccessChange): void {
    if (change.kind === 'client') {
      for (const session of [...this.#sessions.values()]) {
        if (endsAllOf(change, session.principal)) void this.#end(session);
      }
    }
    for (const holder of [...this.#kept.holders]) holder.accessChanged(change);
  }

  closeIdle(): void {
    const horizon = this.#parts.clock.monotonic() - LIMITS.sessionIdleMs;
    for (const session of this.#sessions.values()) {
      session.events.expire();
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
    const events = new SessionEvents(this.#parts, caller.principal.tenant, this.#kept);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      eventStore: events,
      retryInterval: RETRY_MS,
    });
    const server = this.#createServer();
    const stream = this.#hub.open('session', caller.principal, this.#sinkOf(id));
    registerSubscriptions(this.#parts, server, stream);
    await server.connect(transport);
    const session: Session = {
      ...{ id, owner, principal: caller.principal, transport, server, stream, events },
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
    session.events.clear();
    await session.server.close().catch((error: unknown) => this.#parts.report(error));
  }
}

function handleWith(
  { transport }: Session,
  { request, body, caller }: Exchange,
): Promise<Response> {
  return transport.handleRequest(request, {
    authInfo: authInfoOf(caller),
    ...(body !== undefined && { parsedBody: body }),
  });
}

/** Where the first message may be long in coming, a client that breaks off again knows the place. */
function primed(response: Response, { headers }: Request): Response {
  const version = headers.get('mcp-protocol-version') ?? '';
  if (response.body === null || !response.ok || version < EMPTY_DATA_SINCE) return response;
  const event = `id: ${headers.get('last-event-id')}\ndata: \n\n`;
  const first = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(event)),
  });
  return new Response(response.body.pipeThrough(first), response);
}

/** Clients of earlier versions fail at an event without data (the SDK's own rule). */
const EMPTY_DATA_SINCE = '2025-11-25';

function isCancelled(body: unknown): body is { params: { requestId: RequestId } } {
  return isSpecType.CancelledNotification(body) && body.params.requestId !== undefined;
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
