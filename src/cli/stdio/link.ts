import {
  isInitializeRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { createFetch, TwinError } from '../../sdk/index.ts';
import { answeredBy, isModern, uriOf } from './frames.ts';
import type { Reached } from './upstream.ts';
import { within } from './within.ts';

/** What a 2025-era session has to be made anew with when its server has gone. */
export interface SessionMemory {
  initialize: JSONRPCRequest | undefined;
  /** URIs that the client is subscribed to. */
  readonly subscribed: Set<string>;
}

export type SendOptions = NonNullable<Parameters<StreamableHTTPClientTransport['send']>[1]>;

/** As many as the server allows one principal. */
const SUBSCRIBED_MAX = 5_000;
/** For notifications, whose bodies need not carry a version. */
const MODERN_VERSION = '2026-07-28';
/** Ids of our own requests; a client's ids are left alone. */
const OWN_ID = 'digital-twin-bridge:';
/** The session's GET stream is opened again for as long as the bridge runs. */
const PUSH_RECONNECTION = {
  initialReconnectionDelay: 250,
  maxReconnectionDelay: 10_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: Number.MAX_SAFE_INTEGER,
};

/**
 * One server and the two ways to speak with it. A 2026-07-28 request carries its version, from
 * which the SDK's transport makes the headers, and no session. A 2025-era session has a transport
 * of its own, which learns session and version from the answer to `initialize`, and opens the GET
 * stream after `notifications/initialized`.
 */
export class Link {
  readonly reached: Reached;
  readonly #memory: SessionMemory;
  readonly #toClient: (frame: JSONRPCMessage) => void;
  readonly #log: (text: string) => void;
  readonly #modern: StreamableHTTPClientTransport;
  #session: StreamableHTTPClientTransport;
  readonly #own = new Map<string, PromiseWithResolvers<JSONRPCMessage>>();
  #ids = 0;
  #closed = false;
  /** Notifications and `initialize` are done before whatever came after them is sent. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    reached: Reached,
    memory: SessionMemory,
    toClient: (frame: JSONRPCMessage) => void,
    log: (text: string) => void,
  ) {
    this.reached = reached;
    this.#memory = memory;
    this.#toClient = toClient;
    this.#log = log;
    this.#modern = this.#transport(MODERN_VERSION);
    this.#session = this.#transport();
  }

  async start(): Promise<void> {
    await this.#modern.start();
    await this.#session.start();
    if (this.#memory.initialize !== undefined) await this.#renew(this.#memory.initialize);
  }

  /** Sends a client's frame; resolves when the server has taken it. @throws TwinError */
  async send(frame: JSONRPCMessage, options: SendOptions = {}): Promise<void> {
    if (isModern(frame)) return await this.#modern.send(frame, options);
    this.#remember(frame);
    const before = this.#turn;
    const sent = before.then(() => this.#session.send(frame, options));
    if (!('id' in frame) || isInitializeRequest(frame)) this.#turn = sent.catch(() => undefined);
    await sent;
  }

  /** The session is unknown to the server: a new one with the same subscriptions. */
  async renewSession(): Promise<boolean> {
    if (this.#memory.initialize === undefined) return false;
    await this.#session.close();
    this.#session = this.#transport();
    await this.#session.start();
    await this.#renew(this.#memory.initialize);
    return true;
  }

  /** What is on its way then fails as aborted, which is no fault of whoever asked. */
  get closed(): boolean {
    return this.#closed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#modern.close();
    await this.#session.close();
  }

  /** Ends the session on the server too; at most for the time given. */
  async end(withinMs: number): Promise<void> {
    await within(withinMs, this.#session.terminateSession());
    await this.close();
  }

  #transport(protocolVersion?: string): StreamableHTTPClientTransport {
    const { url, token } = this.reached;
    const transport = new StreamableHTTPClientTransport(new URL('/mcp', url), {
      fetch: createFetch(token, globalThis.fetch),
      reconnectionOptions: PUSH_RECONNECTION,
      ...(protocolVersion !== undefined && { protocolVersion }),
    });
    transport.onmessage = (frame) => this.#receive(frame);
    // Each fault of a request is thrown by its send as well; only the push stream has no other way.
    transport.onerror = (error) => this.#log(error.message);
    return transport;
  }

  #receive(frame: JSONRPCMessage): void {
    const answered = answeredBy(frame);
    const own = typeof answered === 'string' ? this.#own.get(answered) : undefined;
    if (own !== undefined) {
      own.resolve(frame);
      return;
    }
    if (answered !== undefined && answered === this.#memory.initialize?.id) this.#learn(frame);
    this.#toClient(frame);
  }

  /** The version that was agreed on goes into the header of every later message of the session. */
  #learn(frame: JSONRPCMessage): void {
    if (!isJSONRPCResultResponse(frame)) return;
    const version = frame.result.protocolVersion;
    if (typeof version === 'string') this.#session.setProtocolVersion(version);
  }

  #remember(frame: JSONRPCMessage): void {
    const { subscribed } = this.#memory;
    if (isInitializeRequest(frame)) {
      this.#memory.initialize = frame as JSONRPCRequest;
      subscribed.clear();
    }
    const added = uriOf(frame, 'resources/subscribe');
    if (added !== undefined && subscribed.size < SUBSCRIBED_MAX) subscribed.add(added);
    const removed = uriOf(frame, 'resources/unsubscribe');
    if (removed !== undefined) subscribed.delete(removed);
  }

  /** The handshake once more, by ourselves: over stdio a client knows of no sessions. */
  async #renew(initialize: JSONRPCRequest): Promise<void> {
    this.#learn(await this.#ask(initialize.method, initialize.params));
    await this.#session.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    for (const uri of this.#memory.subscribed) {
      await this.#ask('resources/subscribe', { uri });
    }
  }

  async #ask(method: string, params: JSONRPCRequest['params']): Promise<JSONRPCMessage> {
    this.#ids += 1;
    const id = `${OWN_ID}${this.#ids}`;
    const answer = Promise.withResolvers<JSONRPCMessage>();
    this.#own.set(id, answer);
    const ended = (): void => answer.reject(new TwinError('UNREACHABLE'));
    try {
      const request = { jsonrpc: '2.0' as const, id, method, ...(params && { params }) };
      await this.#session.send(request, { onRequestStreamEnd: ended });
      return await answer.promise;
    } finally {
      this.#own.delete(id);
    }
  }
}
