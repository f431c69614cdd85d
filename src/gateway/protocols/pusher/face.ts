import type { Timer } from '../../../kernel/clock.ts';
import type { Service } from '../../../kernel/lifecycle.ts';
import type { AccessChange } from '../../../twin/ports.ts';
import { endsAllOf } from '../../../twin/principals.ts';
import type {
  Connection,
  ConnectionHandler,
  Face,
  PresenceChange,
  StreamEntry,
  UpgradeRequest,
} from '../../ports.ts';
import type { PusherApp } from './apps.ts';
import { CLOSE } from './codes.ts';
import { SubscriptionCounts } from './counts.ts';
import { Endings } from './endings.ts';
import { said } from './frames.ts';
import { type Greeted, greet } from './greeting.ts';
import { PUSHER_LIMITS } from './limits.ts';
import { Occurrences } from './occurrences.ts';
import type { PusherParts } from './parts.ts';
import { NEAR_OPEN_MS } from './resume.ts';
import { Rooms } from './rooms.ts';
import { PusherSession } from './session.ts';
import { controlStreamOf } from './streams.ts';
import type { ChannelSubscription } from './subscription.ts';

const TURN_MS = 1_000;
/** pusher-js closes what says nothing for the activity timeout; it is told something before. */
const HEARTBEAT_TURNS = 20;
/** A place that is kept of a quiet device is said to be one of an open connection this often. */
const REFRESH_TURNS = NEAR_OPEN_MS / 2 / TURN_MS;
/** How long a client waits for its turn on an open socket; longer, and it opens another (§5.5). */
const PARKED_MS = 8_000;
const PARKED_JAVA_MS = 14_000;

/** The Pusher Channels protocol at `/app/{key}` (realtime.md §2). */
export class PusherFace implements Face, Service {
  readonly name = 'pusher';
  readonly queueBytesMax = 64 * 1024;
  readonly messageBytesMax = PUSHER_LIMITS.frameBytesMax;
  readonly subprotocols = [];
  readonly heartbeatMs: number;
  readonly #parts: PusherParts;
  readonly #sessions = new Set<PusherSession>();
  readonly #asking = new Set<PusherSession>();
  readonly #rooms: Rooms;
  readonly #counts: SubscriptionCounts;
  readonly #occurrences: Occurrences;
  readonly #ends: (() => void)[] = [];
  readonly #endings: Endings;
  #timer: Timer | undefined;
  #turn = 0;
  #number = 0;

  /** @param heartbeatMs silence after which a client is asked; after twice that it is closed */
  constructor(parts: PusherParts, heartbeatMs: number = PUSHER_LIMITS.pongTimeoutMs / 2) {
    this.#parts = parts;
    this.heartbeatMs = heartbeatMs;
    this.#rooms = new Rooms(parts);
    this.#counts = new SubscriptionCounts(parts, this.#rooms);
    this.#occurrences = new Occurrences(parts);
    this.#endings = new Endings(parts.clock);
  }

  start(): Promise<void> {
    const { presence, access, log, apps } = this.#parts;
    const control = new Map(apps.all.map((app) => [controlStreamOf(app), app]));
    this.#ends.push(
      presence.onChange((change) => this.#presenceChanged(change)),
      access.onChange((change) => this.#accessChanged(change)),
      log.onEntry((stream, _epoch, entry) => {
        const app = control.get(stream);
        if (app !== undefined) this.#controlled(app, entry);
      }),
    );
    this.#later();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#timer?.cancel();
    for (const end of this.#ends.splice(0)) end();
    return Promise.resolve();
  }

  /** Everything below it as well: what is no app is told so by a code, and not by silence. */
  serves(path: string): boolean {
    return path === '/app' || path.startsWith('/app/');
  }

  open(connection: Connection, request: UpgradeRequest): ConnectionHandler {
    const greeted = greet(this.#parts.apps, request);
    if ('close' in greeted) return refused(connection, greeted.close, this.#parts);
    const session = this.#session(connection, request, greeted);
    const parkedMs = greeted.client === 'java-client' ? PARKED_JAVA_MS : PARKED_MS;
    this.#parts.admission.admit(connection, parkedMs).then((admitted) => {
      if (admitted) session.established();
      else end(connection, CLOSE.overCapacity);
    }, this.#parts.report);
    return session;
  }

  #session(connection: Connection, request: UpgradeRequest, { app, client }: Greeted) {
    this.#number += 1;
    const session = new PusherSession({
      ...{ app, connection, request, parts: this.#parts, number: this.#number },
      isJs: client === 'js',
      hasEnded: (principal, sinceMs) => this.#endings.has(principal, sinceMs),
      on: {
        live: (subscription) => this.#live(subscription),
        ended: (subscription) => this.#ended(subscription),
        asking: (asking) => this.#asking.add(asking),
        closed: (closed) => {
          this.#sessions.delete(closed);
          this.#asking.delete(closed);
        },
      },
    });
    this.#sessions.add(session);
    return session;
  }

  #live(subscription: ChannelSubscription): void {
    this.#counts.changed(this.#rooms.add(subscription));
  }

  #ended(subscription: ChannelSubscription): void {
    const room = this.#rooms.remove(subscription);
    if (room !== undefined) this.#counts.changed(room);
  }

  // --------------------------------------------------------------------------- from elsewhere

  #presenceChanged(change: PresenceChange): void {
    const room = this.#rooms.get(change.channel);
    for (const subscription of room?.subscriptions ?? []) subscription.changed(change);
    this.#occurrences.changed(change);
  }

  /** A revoked token and a suspended client end the connection, and not only what it reads. */
  #accessChanged(change: AccessChange): void {
    if (change.kind !== 'token' && change.kind !== 'client') return;
    this.#endings.add(change);
    for (const session of this.#sessions) {
      const isOver = [...session.principals].some((principal) => endsAllOf(change, principal));
      if (isOver) session.revoke();
    }
  }

  /** Said by the HTTP API of any instance. */
  #controlled(app: PusherApp, { event }: StreamEntry): void {
    if (event.type !== 'terminate') return;
    for (const session of this.#sessions) {
      if (session.app === app && session.userId === event.raw) session.revoke();
    }
  }

  // -------------------------------------------------------------------------------- each second

  #later(): void {
    this.#timer = this.#parts.clock.after(TURN_MS, () => {
      this.#take();
      this.#later();
    });
  }

  #take(): void {
    this.#turn += 1;
    for (const session of this.#asking) {
      session.acks.ask();
      if (!session.acks.isAsking) this.#asking.delete(session);
    }
    this.#counts.turn();
    for (const session of this.#sessions) {
      // Not all in the same second.
      const turn = this.#turn + session.number;
      if (turn % HEARTBEAT_TURNS === 0) session.acks.heartbeat();
      if (turn % REFRESH_TURNS === 0) for (const one of session.subscriptions) one.refresh();
    }
  }
}

/** The upgrade was taken; what is wrong is said by a code that each SDK understands. */
function refused(
  connection: Connection,
  close: (typeof CLOSE)[keyof typeof CLOSE],
  { metrics }: Pick<PusherParts, 'metrics'>,
): ConnectionHandler {
  metrics.authFailure();
  queueMicrotask(() => end(connection, close));
  return {
    text: () => undefined,
    binary: () => undefined,
    draining: () => undefined,
    closed: () => undefined,
    codes: { comeAgain: close.code, slow: close.code, silent: close.code },
  };
}

/** Protocol 5 and below want the error before the close; the others take it (realtime.md §2.1). */
function end(connection: Connection, { code, says }: (typeof CLOSE)[keyof typeof CLOSE]): void {
  connection.send(said.error(code, says));
  connection.close(code, says);
}
