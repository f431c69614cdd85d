import {
  isJSONRPCRequest,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  type Transport,
} from '@modelcontextprotocol/client';
import { asTwinError, TwinError } from '../../sdk/index.ts';
import { answeredBy, cancelledBy, errorFrame, isModern } from './frames.ts';
import { Link, type SendOptions, type SessionMemory } from './link.ts';
import type { Upstream } from './upstream.ts';
import { within } from './within.ts';

/** The end of a session is told to the server, but not waited for longer than this. */
const GOODBYE_MAX_MS = 500;
/** A lost server is looked for again after this, doubling, while a session waits for pushes. */
const RETURN_MIN_MS = 250;
const RETURN_MAX_MS = 5_000;

const LOST = 'The connection to the server ended before it answered; send the request again.';

interface Pending {
  readonly abort: AbortController;
  readonly frame: JSONRPCRequest;
  /** The server that has taken it. */
  link?: Link;
}

/** Carries frames between a client on stdio and the server that is there at the time. */
export class Bridge {
  readonly #upstream: Upstream;
  readonly #log: (text: string) => void;
  readonly #pending = new Map<RequestId, Pending>();
  readonly #memory: SessionMemory = { initialize: undefined, subscribed: new Set() };
  readonly #ended = Promise.withResolvers<void>();
  #client: Transport | undefined;
  #link: Promise<Link> | undefined;
  #idleWaiters: (() => void)[] = [];
  #closing = false;

  constructor(upstream: Upstream, log: (text: string) => void) {
    this.#upstream = upstream;
    this.#log = log;
  }

  /** Resolves when the client has gone. */
  async serve(client: Transport): Promise<void> {
    this.#client = client;
    client.onmessage = (frame: JSONRPCMessage) => void this.#fromClient(frame);
    client.onerror = (error) => this.#log(`a frame that cannot be read: ${error.message}`);
    client.onclose = () => void this.close();
    await client.start();
    await this.#ended.promise;
  }

  /** Resolves when nothing but listen streams is open. */
  idle(): Promise<void> {
    if (!this.#busy()) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    for (const { abort } of this.#pending.values()) abort.abort();
    const link = this.#link && (await within(GOODBYE_MAX_MS, this.#link));
    await link?.end(GOODBYE_MAX_MS);
    this.#upstream.close();
    await this.#client?.close();
    this.#ended.resolve();
  }

  async #fromClient(frame: JSONRPCMessage): Promise<void> {
    const cancelled = cancelledBy(frame);
    const pending = cancelled === undefined ? undefined : this.#pending.get(cancelled);
    if (cancelled !== undefined && pending !== undefined) {
      this.#settle(cancelled);
      // From 2026-07-28 on the end of the request's stream is the cancellation; before, it is not.
      if (isModern(pending.frame)) return pending.abort.abort();
      await this.#notify(frame);
      return pending.abort.abort();
    }
    if (isJSONRPCRequest(frame)) await this.#request(frame);
    else if (cancelled === undefined) await this.#notify(frame);
  }

  async #request(frame: JSONRPCRequest): Promise<void> {
    if (this.#pending.has(frame.id)) return this.#refuse(frame);
    const abort = new AbortController();
    const pending: Pending = { abort, frame };
    this.#pending.set(frame.id, pending);
    const fail = (error: unknown): void => {
      if (this.#pending.get(frame.id) !== pending) return;
      this.#toClient(errorFrame(frame.id, error));
    };
    try {
      pending.link = await this.#deliver(frame, {
        requestSignal: abort.signal,
        onRequestStreamEnd: () => fail(new TwinError('UNREACHABLE', { message: LOST })),
      });
    } catch (error) {
      fail(error);
    }
  }

  /** Two answers with one id would be told apart by nobody; the first is still to come. */
  #refuse({ id }: JSONRPCRequest): void {
    const message = 'A request with this id is still being answered.';
    this.#write(errorFrame(id, new TwinError('INVALID_REQUEST', { message })));
  }

  async #notify(frame: JSONRPCMessage): Promise<void> {
    await this.#deliver(frame, {}).catch((error: unknown) => this.#log(asTwinError(error).message));
  }

  /** Once more where the server has gone, or has forgotten the session: all that MCP asks is safe. */
  async #deliver(frame: JSONRPCMessage, options: SendOptions): Promise<Link> {
    const link = await this.#current();
    try {
      await link.send(frame, options);
      return link;
    } catch (thrown) {
      if (options.requestSignal?.aborted === true) throw thrown;
      const { code, status } = asTwinError(thrown);
      const gone = link.closed || (code === 'UNREACHABLE' && status === undefined);
      if (gone) await this.#drop(link);
      else if (status !== 404 || isModern(frame) || !(await link.renewSession())) throw thrown;
    }
    const next = await this.#current();
    await next.send(frame, options);
    return next;
  }

  #current(): Promise<Link> {
    this.#link ??= this.#connect().catch((error: unknown) => {
      this.#link = undefined;
      throw error;
    });
    return this.#link;
  }

  async #connect(): Promise<Link> {
    const reached = await this.#upstream.current();
    const link = new Link(reached, this.#memory, (frame) => this.#toClient(frame), this.#log);
    await link.start();
    if (this.#closing) {
      await link.close();
      this.#upstream.close();
      throw new TwinError('SHUTTING_DOWN');
    }
    void reached.lost.then(() => this.#lost(link));
    return link;
  }

  async #drop(link: Link): Promise<void> {
    if ((await this.#link?.catch(() => undefined)) === link) this.#link = undefined;
    this.#upstream.forget(link.reached);
    await link.close();
  }

  /** The server has gone: what is open ends with an error, and a session follows its server. */
  async #lost(link: Link): Promise<void> {
    if (this.#closing) return;
    this.#log('the server has gone');
    await this.#drop(link);
    this.#failAll(link);
    if (this.#memory.subscribed.size === 0) return;
    await this.#follow();
  }

  /** Of a session the SDK's transport would come back for the answer, to a server that is gone. */
  #failAll(link: Link): void {
    for (const [id, pending] of [...this.#pending]) {
      if (pending.link !== link) continue;
      this.#toClient(errorFrame(id, new TwinError('UNREACHABLE', { message: LOST })));
    }
  }

  /** Finds the next server without starting one: whoever stopped the last may want to start it. */
  async #follow(): Promise<void> {
    for (let delayMs = RETURN_MIN_MS; !this.#closing; ) {
      await new Promise((resolve) => setTimeout(resolve, delayMs).unref());
      if (this.#link !== undefined) return;
      if (await this.#upstream.running()) {
        await this.#current().catch((error: unknown) => this.#log(asTwinError(error).message));
      }
      delayMs = Math.min(delayMs * 2, RETURN_MAX_MS);
    }
  }

  #toClient(frame: JSONRPCMessage): void {
    const answered = answeredBy(frame);
    if (answered !== undefined) this.#settle(answered);
    this.#write(frame);
  }

  #write(frame: JSONRPCMessage): void {
    this.#client?.send(frame).catch((error: unknown) => {
      if (!this.#closing) this.#log(`stdout: ${String(error)}`);
    });
  }

  #settle(id: RequestId): void {
    this.#pending.delete(id);
    if (this.#busy()) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #busy(): boolean {
    const open = [...this.#pending.values()];
    return open.some(({ frame }) => frame.method !== 'subscriptions/listen');
  }
}
