import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  InMemoryServerEventBus,
  McpServer,
  PROTOCOL_VERSION_META_KEY,
  ResourceNotFoundError,
} from '@modelcontextprotocol/server';
import type { Change } from '../../contract/documents.ts';
import { META } from '../../contract/meta.ts';
import { bodyOf } from './body.ts';

interface Session {
  readonly transport: NodeStreamableHTTPServerTransport;
  readonly server: McpServer;
  readonly subscribed: Set<string>;
}

/** The MCP SDK's own server in both eras, over a handful of documents. */
export class FakeMcp {
  readonly documents = new Map<string, number>();
  readonly changes: Change[] = [];
  /** Headers of each request, by JSON-RPC method. */
  readonly headers: { readonly method: string; readonly headers: IncomingMessage['headers'] }[] =
    [];
  readonly sessions = new Map<string, Session>();
  /** Calls of the tool `slow` that were cancelled. */
  cancelled = 0;
  slow = 0;
  readonly #bus = new InMemoryServerEventBus(() => undefined);
  readonly #modern = createMcpHandler(() => this.#server(new Set()), {
    legacy: 'reject',
    bus: this.#bus,
  });
  readonly #modernHandler = toNodeHandler(this.#modern);

  /** A new version of a document: into the feed, and to whoever is subscribed. */
  change(uri: string): void {
    const version = (this.documents.get(uri) ?? 0) + 1;
    this.documents.set(uri, version);
    const position = `p${this.changes.length}`;
    this.changes.push({ uri, etag: etagOf(version), position, kind: 'updated' });
    const _meta = { [META.etag]: etagOf(version), [META.position]: position };
    this.#bus.publish({ kind: 'resource_updated', uri, params: { _meta } });
    for (const { server, subscribed } of this.sessions.values()) {
      if (subscribed.has(uri)) void server.server.sendResourceUpdated({ uri, _meta });
    }
  }

  async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body: unknown = req.method === 'POST' ? JSON.parse((await bodyOf(req)).toString()) : {};
    const message = body as { method?: string; params?: { _meta?: Record<string, unknown> } };
    this.headers.push({ method: message.method ?? req.method ?? '', headers: req.headers });
    if (typeof message.params?._meta?.[PROTOCOL_VERSION_META_KEY] === 'string') {
      const { method = '', url = '', headers } = req;
      const request = { method, url, headers, [Symbol.asyncIterator]: () => req.iterator() };
      return await this.#modernHandler(request, res, body);
    }
    const session = await this.#session(req, message.method);
    if (session !== undefined) return await session.transport.handleRequest(req, res, body);
    const error = { code: -32602, message: 'Session not found', data: { code: 'NOT_FOUND' } };
    res.writeHead(404, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
  }

  async close(): Promise<void> {
    await this.#modern.close();
    for (const { server } of this.sessions.values()) await server.close();
  }

  async #session(req: IncomingMessage, method: string | undefined): Promise<Session | undefined> {
    if (method !== 'initialize') return this.sessions.get(String(req.headers['mcp-session-id']));
    const id = randomUUID();
    const subscribed = new Set<string>();
    const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: () => id });
    const server = this.#server(subscribed);
    await server.connect(transport);
    const session = { transport, server, subscribed };
    this.sessions.set(id, session);
    return session;
  }

  #server(subscribed: Set<string>): McpServer {
    const mcp = new McpServer({ name: 'fake', version: '0.0.0' });
    const { server } = mcp;
    server.registerCapabilities({ resources: { subscribe: true }, tools: {} });
    server.setRequestHandler('resources/list', () => ({
      resources: [...this.documents.keys()].map((uri) => ({ uri, name: 'document' })),
    }));
    server.setRequestHandler('resources/read', ({ params: { uri } }) => {
      const version = this.documents.get(uri);
      if (version === undefined) throw new ResourceNotFoundError(uri, 'There is nothing here.');
      const document = { uri, etag: etagOf(version), position: 'p', section: 's', data: {} };
      return { contents: [{ uri, text: JSON.stringify(document) }] };
    });
    server.setRequestHandler('resources/subscribe', ({ params }) => {
      subscribed.add(params.uri);
      return {};
    });
    server.setRequestHandler('resources/unsubscribe', ({ params }) => {
      subscribed.delete(params.uri);
      return {};
    });
    server.setRequestHandler('tools/list', () => ({ tools: [] }));
    server.setRequestHandler('tools/call', ({ params }, { mcpReq }) => {
      if (params.name !== 'slow') {
        const text = 'INVALID_ARGUMENT: No such tool.';
        return { isError: true, content: [{ type: 'text' as const, text }] };
      }
      this.slow += 1;
      return new Promise((resolve) => {
        mcpReq.signal.addEventListener('abort', () => {
          this.cancelled += 1;
          resolve({ content: [] });
        });
      });
    });
    return mcp;
  }
}

export function etagOf(version: number): string {
  return `"${String(version).padStart(22, '0')}"`;
}
