import type { CallState } from '../../contract/calls.ts';
import type { Change, Document } from '../../contract/documents.ts';
import type { Filter, PresenceFrame, SeenPlace, WsTopic } from '../../contract/frames.ts';
import type { RealtimeInfo } from '../../contract/rollout.ts';
import type { Fetch, TokenSource } from '../http.ts';
import type { TwinError } from '../twin-error.ts';
import type { EventType, RealtimeEvent } from './events.ts';

export type { CallState } from '../../contract/calls.ts';
export type { Filter, FilterField, SeenPlace, WsTopic } from '../../contract/frames.ts';
export type { RealtimeInfo } from '../../contract/rollout.ts';

/** As much of a WebSocket as is needed: that of browsers, of Node, or of the package `ws`. */
export interface SocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number }) => void): void;
}

export type SocketClass = new (url: string, protocols: string[]) => SocketLike;

export interface RealtimeOptions {
  /** The server's origin, e.g. `https://twin.example.org`. */
  readonly url: string;
  /** A token, or where a fresh one comes from: asked before each connection and each refresh. */
  readonly token: TokenSource;
  /** Attempts to connect that fail one after the other until `failed`; endless by default. */
  readonly maxAttempts?: number;
  /**
   * `poll` (default): after `pollAfter` failed attempts the change feed is read over HTTP until a
   * socket is there again. `none`: nothing is heard meanwhile.
   */
  readonly fallback?: 'poll' | 'none';
  /** Default 3. */
  readonly pollAfter?: number;
  /** Events that wait for a `for await` loop; past it they are given up, and that is a gap. */
  readonly queueMax?: number;
  readonly fetch?: Fetch;
  readonly WebSocket?: SocketClass;
}

export type RealtimeState =
  | { readonly status: 'connecting' }
  | { readonly status: 'connected'; readonly connection: string }
  | {
      readonly status: 'waiting';
      /** Failed one after the other. */
      readonly attempts: number;
      readonly retryInMs: number;
      readonly polling: boolean;
      readonly error: TwinError;
    }
  /** For good: the server refuses this client, or `maxAttempts` are over. */
  | { readonly status: 'failed'; readonly error: TwinError }
  | { readonly status: 'closed' };

export interface SubscribeOptions {
  readonly topics: readonly WsTopic[];
  /** One member or several; without one, and without a session, the one who the caller is. */
  readonly member?: string | readonly string[];
  readonly session?: string | readonly string[];
  /** Besides those. */
  readonly filters?: Filter;
  /** Where to go on from, by stream: `places` of an earlier subscription. */
  readonly since?: Readonly<Record<string, SeenPlace>>;
  /** Each event brings the document it is about. */
  readonly include?: 'document';
}

/** Events may be missing: read again what is shown. */
export interface Gap {
  readonly stream: string;
  /**
   * The server's (`epoch_changed`, `trimmed`, `too_many`), or ours: `feed_reset` while polling,
   * `queue_full` where a loop was too slow.
   */
  readonly reason: string;
  /** `mcp://twins/changes/{cursor}`, which says what was missed, where the server names it. */
  readonly changes?: string;
}

export type PresentUser = PresenceFrame['users'][number];

export interface PresenceChange {
  readonly stream: string;
  readonly event: PresenceFrame['event'];
  readonly users: readonly PresentUser[];
}

export type Off = () => void;

/** Calls of one type, or of every (`*`). */
export interface Events {
  on<T extends EventType>(type: T, handler: (event: RealtimeEvent<T>) => void): Off;
  on(type: '*', handler: (event: RealtimeEvent) => void): Off;
}

/**
 * Lives across connections, until it ends. As an iterable it gives events one by one; a place is
 * `places` once the loop asks for what comes after it.
 */
export interface Subscription extends Events, AsyncIterable<RealtimeEvent> {
  readonly id: string;
  /** The server has taken it for the first time. @throws TwinError where it refused */
  readonly ready: Promise<void>;
  /** Resolves when it is over; with the error where that was not our wish. */
  readonly ended: Promise<TwinError | undefined>;
  /** By stream, up to where events were handled: keep it to go on after a restart of the app. */
  readonly places: Readonly<Record<string, SeenPlace>>;
  onGap(handler: (gap: Gap) => void): Off;
  onPresence(handler: (change: PresenceChange) => void): Off;
  /** Who is there, as known by now; `stream` is `member:{id}`. */
  present(stream: string): readonly PresentUser[];
  /** Tells the server what was handled. */
  acknowledge(): void;
  unsubscribe(): void;
}

export interface RealtimeReadOptions {
  /** An event's `position`: waits, bounded, until the server has reached it. */
  readonly minPosition?: string | undefined;
  readonly signal?: AbortSignal;
}

export interface Realtime extends Events {
  readonly state: RealtimeState;
  onState(handler: (state: RealtimeState) => void): Off;
  /** What a server says of a message it does not take, and of no subscription. */
  onError(handler: (error: TwinError) => void): Off;
  onGap(handler: (gap: Gap) => void): Off;
  /** @throws TwinError INVALID_ARGUMENT */
  subscribe(options: SubscribeOptions): Subscription;
  /** Which way the member is to go, and where. @throws TwinError */
  info(member: string): Promise<RealtimeInfo>;
  /** The last that was said of a call, for an app that was away. @throws TwinError */
  call(id: string): Promise<CallState>;
  /** A section of a twin, over HTTP. @throws TwinError */
  read(uri: string, options?: RealtimeReadOptions): Promise<Document>;
  /**
   * The documents that changed meanwhile, by the change feed; `undefined` where it cannot say, and
   * all that is shown has to be read again. @throws TwinError
   */
  missed(gap: Gap): Promise<readonly Change[] | undefined>;
  /** That the caller is there, on this connection and those that follow it. */
  join(member: string): void;
  leave(member: string): void;
  /** Connects now rather than when the pause is over. */
  retryNow(): void;
  close(): void;
}
