import {
  type ClientMessage,
  type ErrorFrame,
  isEventFrame,
  type PresenceMessage,
  type ServerMessage,
} from '../../contract/frames.ts';
import { backOff, pause } from '../back-off.ts';
import type { FetchChanges } from '../changes.ts';
import { createFetch, type Fetch, PlainHttp } from '../http.ts';
import { faultOf, isErrorCode, TwinError } from '../twin-error.ts';
import { Connection } from './connection.ts';
import type { RealtimeEvent } from './events.ts';
import { checkIds } from './filters.ts';
import { ByType, Listeners } from './listeners.ts';
import { Polling } from './polling.ts';
import { missedSince, pagesOf, readSection } from './reading.ts';
import { OpenSubscription } from './subscription.ts';
import { Tokens } from './tokens.ts';
import type * as t from './types.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** 1 s doubling to 30 s, all of it left to chance: whoever was cut off together comes back apart. */
const PAUSES = { minMs: 1_000, maxMs: 30_000, steady: 0 };
/** A connection that held so long ends the row of failures. */
const HELD_MS = 5_000;
/** Different tokens in a row that the server does not take. */
const REFUSED_MAX = 3;
const POLL_AFTER = 3;
const QUEUE_MAX = 1_000;
/** A refused subscription that may be taken later, and a token that could not be had. */
const AGAIN_MS = 5_000;

/** Connects at once, and again whenever the connection ends, until `close`. */
export function connectRealtime(options: t.RealtimeOptions): t.Realtime {
  const client = new RealtimeClient(options);
  client.start();
  return client;
}

class RealtimeClient implements t.Realtime {
  readonly #options: t.RealtimeOptions;
  readonly #tokens: Tokens;
  readonly #fetch: Fetch;
  readonly #http: PlainHttp;
  readonly #page: FetchChanges;
  readonly #polling: Polling;
  readonly #subscriptions = new Map<string, OpenSubscription>();
  readonly #joined = new Set<string>();
  readonly #states = new Listeners<t.RealtimeState>();
  readonly #errors = new Listeners<TwinError>();
  readonly #gaps = new Listeners<t.Gap>();
  readonly #events = new ByType<RealtimeEvent>();
  readonly #closing = new AbortController();
  #wake = new AbortController();
  #state: t.RealtimeState = { status: 'connecting' };
  #connection: Connection | undefined;
  #isWelcome = false;
  #lastId = 0;

  constructor(options: t.RealtimeOptions) {
    this.#options = options;
    this.#tokens = new Tokens(options.token);
    const token = (): Promise<string> => this.#tokens.current();
    this.#fetch = createFetch(token, options.fetch ?? globalThis.fetch.bind(globalThis));
    this.#http = new PlainHttp(options.url, this.#fetch);
    this.#page = pagesOf(this.#http);
    this.#polling = new Polling(this.#page, {
      event: (event) => {
        for (const one of this.#ofTwins()) one.polled(event);
      },
      reset: () => {
        for (const one of this.#ofTwins()) one.lost('feed_reset');
      },
      refused: (error) => this.#errors.tell(error),
    });
  }

  start(): void {
    const online = (): void => this.retryNow();
    const page = globalThis as Partial<Pick<EventTarget, 'addEventListener'>>;
    page.addEventListener?.('online', online, { signal: this.#closing.signal });
    this.#run().catch((error: unknown) => this.#fail(faultOf(error)));
  }

  get state(): t.RealtimeState {
    return this.#state;
  }
  onState(handler: (state: t.RealtimeState) => void): t.Off {
    return this.#states.add(handler);
  }
  onError(handler: (error: TwinError) => void): t.Off {
    return this.#errors.add(handler);
  }
  onGap(handler: (gap: t.Gap) => void): t.Off {
    return this.#gaps.add(handler);
  }
  on(type: string, handler: (event: never) => void): t.Off {
    return this.#events.on(type, handler as (event: RealtimeEvent) => void);
  }

  subscribe(options: t.SubscribeOptions): t.Subscription {
    checkIds(options.member);
    checkIds(options.session);
    if (options.topics.length === 0) throw new TwinError('INVALID_ARGUMENT');
    this.#lastId += 1;
    const id = `s${this.#lastId}`;
    const subscription = new OpenSubscription(id, options, {
      queueMax: this.#options.queueMax ?? QUEUE_MAX,
      event: (event) => this.#events.tell(event),
      gap: (gap) => this.#gaps.tell(gap),
      acknowledge: (stream, { epoch, offset }) => {
        this.#say({ type: 'ack', stream, epoch, offset });
      },
      unsubscribe: () => {
        this.#subscriptions.delete(id);
        this.#say({ type: 'unsubscribe', id });
      },
    });
    if (this.#closing.signal.aborted) subscription.end(new TwinError('SHUTTING_DOWN'));
    else this.#subscriptions.set(id, subscription);
    this.#say(subscription.message);
    return subscription;
  }

  read(uri: string, options: t.RealtimeReadOptions = {}) {
    return readSection(this.#fetch, this.#options.url, uri, options);
  }

  info(member: string): Promise<t.RealtimeInfo> {
    return this.#http.get('/v1/realtime/info', { member });
  }

  call(id: string): Promise<t.CallState> {
    return this.#http.get(`/v1/calls/${encodeURIComponent(id)}`);
  }

  missed(gap: t.Gap) {
    return missedSince(this.#page, gap.changes);
  }

  join(member: string): void {
    checkIds(member);
    this.#joined.add(member);
    this.#say(presenceOf(member, 'join'));
  }
  leave(member: string): void {
    if (this.#joined.delete(member)) this.#say(presenceOf(member, 'leave'));
  }

  retryNow(): void {
    this.#wake.abort();
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#finish({ status: 'closed' }, undefined);
  }

  /** What is said while nobody hears is no loss: each connection begins with what then holds. */
  #say(message: ClientMessage): void {
    if (this.#isWelcome) this.#connection?.send(message);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const waiting = backOff(signal, PAUSES);
    let attempts = 0;
    let refused: string[] = [];
    while (!signal.aborted) {
      this.#become({ status: 'connecting' });
      const { verdict, reached, token } = await this.#oneConnection();
      if (signal.aborted) return;
      if (reached === 'held') {
        attempts = 0;
        waiting.reset();
      }
      if (reached !== 'nothing') refused = [];
      if (verdict.again === 'token' && token !== undefined) {
        // The source has nothing better to give: to come again with it would change nothing.
        if (refused.includes(token) || refused.length + 1 >= REFUSED_MAX) {
          return this.#fail(verdict.error);
        }
        refused.push(token);
      }
      attempts += 1;
      if (verdict.again === 'never' || attempts >= (this.#options.maxAttempts ?? Infinity)) {
        return this.#fail(verdict.error);
      }
      await this.#wait(waiting, attempts, verdict.error);
    }
  }

  async #wait(
    waiting: ReturnType<typeof backOff>,
    attempts: number,
    error: TwinError,
  ): Promise<void> {
    const { fallback = 'poll', pollAfter = POLL_AFTER } = this.#options;
    if (fallback === 'poll' && attempts >= pollAfter && this.#ofTwins().length > 0) {
      this.#polling.start();
    }
    const polling = this.#polling.isRunning;
    this.#become({ status: 'waiting', attempts, retryInMs: waiting.nextMs, polling, error });
    this.#wake = new AbortController();
    const woken = new Promise((resolve) => {
      this.#wake.signal.addEventListener('abort', resolve, { once: true });
    });
    await Promise.race([waiting.pause(), woken]);
    if (this.#wake.signal.aborted) waiting.reset();
  }

  /** From the token to the end. */
  async #oneConnection(): Promise<Ended> {
    let token: string;
    try {
      token = await this.#tokens.current();
    } catch (error) {
      return { verdict: { error: faultOf(error), again: 'yes' }, reached: 'nothing' };
    }
    // Closed while the source was asked: nothing is opened any more.
    if (this.#closing.signal.aborted) return { verdict: verdictOf(1000), reached: 'nothing' };
    const Socket = this.#options.WebSocket ?? (globalThis.WebSocket as t.SocketClass);
    return new Promise((resolve) => {
      let reached: Ended['reached'] = 'nothing';
      let holding: ReturnType<typeof setTimeout> | undefined;
      const connection = new Connection(Socket, this.#options.url, token, {
        welcome: (frame) => {
          reached = 'welcome';
          holding = setTimeout(() => {
            reached = 'held';
          }, HELD_MS);
          this.#begin(frame.connection);
        },
        message: (message) => this.#understand(message, connection),
        ended: (code) => {
          this.#connection = undefined;
          this.#isWelcome = false;
          clearTimeout(holding);
          resolve({ verdict: verdictOf(code), reached, token });
        },
      });
      this.#connection = connection;
    });
  }

  /** Everything that holds is said anew; what was missed is told by the server. */
  #begin(connection: string): void {
    this.#isWelcome = true;
    this.#polling.stop();
    for (const member of this.#joined) this.#say(presenceOf(member, 'join'));
    for (const subscription of this.#subscriptions.values()) this.#say(subscription.message);
    const { fallback = 'poll' } = this.#options;
    if (fallback === 'poll' && this.#ofTwins().length > 0) {
      this.#polling.takePlace(this.#closing.signal);
    }
    this.#become({ status: 'connected', connection });
  }

  /** Listeners' own faults are told apart: what is caught here is a message of another form. */
  #understand(message: ServerMessage, connection: Connection): void {
    try {
      this.#hear(message, connection);
    } catch (cause) {
      const says = 'A message of the server is not understood.';
      this.#errors.tell(new TwinError('INTERNAL', { message: says, cause }));
    }
  }

  #hear(message: ServerMessage, connection: Connection): void {
    if (isEventFrame(message)) {
      this.#subscriptions.get(message.subscription)?.event(message);
      return;
    }
    const id = 'subscription' in message ? message.subscription : idOf(message);
    const subscription = this.#subscriptions.get(id ?? '');
    if (message.type === 'subscribed') subscription?.subscribed(message);
    else if (message.type === 'gap') subscription?.gap(message);
    else if (message.type === 'presence') subscription?.presence(message);
    else if (message.type === 'error') this.#refused(message, subscription);
    else if (message.type === 'token_expiring') void this.#refresh(connection);
    else if (message.type === 'unsubscribed' && message.reason === 'revoked') {
      this.#end(message.id, new TwinError('NOT_FOUND'));
    }
  }

  /** In place, on the connection that asked for it: on another one its own token is newer. */
  async #refresh(connection: Connection): Promise<void> {
    while (this.#connection === connection) {
      try {
        const token = await this.#tokens.current();
        if (this.#connection === connection) connection.send({ type: 'refresh', token });
        return;
      } catch (error) {
        this.#errors.tell(faultOf(error));
        await pause(AGAIN_MS, this.#closing.signal);
      }
    }
  }

  #refused({ code, message }: ErrorFrame, subscription: OpenSubscription | undefined): void {
    const error = new TwinError(isErrorCode(code) ? code : 'INTERNAL', { message });
    if (subscription === undefined) this.#errors.tell(error);
    else if (error.retry === 'later') void this.#sayLater(subscription);
    else this.#end(subscription.id, error);
  }

  async #sayLater(subscription: OpenSubscription): Promise<void> {
    const connection = this.#connection;
    await pause(AGAIN_MS, this.#closing.signal);
    const holds = this.#subscriptions.get(subscription.id) === subscription;
    // Another connection has begun with it already.
    if (holds && this.#connection === connection) this.#say(subscription.message);
  }

  #end(id: string, error: TwinError): void {
    const subscription = this.#subscriptions.get(id);
    this.#subscriptions.delete(id);
    subscription?.end(error);
  }

  #ofTwins(): OpenSubscription[] {
    return [...this.#subscriptions.values()].filter(({ isOfTwins }) => isOfTwins);
  }

  #fail(error: TwinError): void {
    this.#finish({ status: 'failed', error }, error);
  }

  #finish(state: t.RealtimeState, error: TwinError | undefined): void {
    this.#closing.abort();
    this.#polling.stop();
    this.#connection?.close();
    this.#wake.abort();
    for (const subscription of this.#subscriptions.values()) subscription.end(error);
    this.#subscriptions.clear();
    this.#become(state);
  }

  #become(state: t.RealtimeState): void {
    this.#state = state;
    this.#states.tell(state);
  }
}

interface Ended {
  readonly verdict: Verdict;
  /** How far it came; `held`: for `HELD_MS`. */
  readonly reached: 'nothing' | 'welcome' | 'held';
  readonly token?: string;
}

function idOf(message: ServerMessage): string | undefined {
  return 'id' in message ? message.id : undefined;
}

function presenceOf(member: string, action: 'join' | 'leave'): PresenceMessage {
  return { type: 'presence', member, action };
}
