import type { StreamPlace } from '../../../contract/frames.ts';
import { randomId } from '../../../kernel/ids.ts';
import type { Connection, Framed, Sending } from '../../ports.ts';

/** A framed event with where it stands, so that whoever sends it can say that it left. */
export interface TrackedFrame extends Framed {
  readonly of: Track;
  readonly stream: string;
  readonly place: StreamPlace;
}

/** One channel of one device: what it has acknowledged, and where that is kept. */
export interface Track {
  acknowledged(places: ReadonlyMap<string, StreamPlace>): void;
}

type Snapshot = ReadonlyMap<Track, Map<string, StreamPlace>>;

/**
 * Heartbeats as acknowledgements (realtime.md §5.3 A): after deliveries the client is pinged, and as
 * TCP keeps the order, its pong says that it has everything before. So stock SDKs acknowledge without
 * knowing it: pusher-js answers `pusher:ping` once it has dispatched what came before, the others
 * answer the ping of the WebSocket. At most one a second, and one at a time.
 */
export class Acks {
  readonly #connection: Connection;
  /** Only pusher-js answers the application's ping, and only from protocol 5 on. */
  readonly #answersEvents: boolean;
  readonly #pingEvent: string;
  #delivered = new Map<Track, Map<string, StreamPlace>>();
  /** Of `pusher:ping`s that were not answered yet, in order. */
  readonly #pings: (Snapshot | undefined)[] = [];
  /** Of a WebSocket's ping, by what it carries: the heartbeat's own carry nothing. */
  #waiting: { readonly token: string; readonly snapshot: Snapshot } | undefined;

  constructor(connection: Connection, answersEvents: boolean, pingEvent: string) {
    this.#connection = connection;
    this.#answersEvents = answersEvents;
    this.#pingEvent = pingEvent;
  }

  /** @returns whether this is the first of what a ping has to ask for */
  delivered({ of, stream, place }: TrackedFrame): boolean {
    const first = this.#delivered.size === 0;
    const places = this.#delivered.get(of) ?? new Map<string, StreamPlace>();
    places.set(stream, place);
    this.#delivered.set(of, places);
    return first;
  }

  get isAsking(): boolean {
    return this.#delivered.size > 0;
  }

  /** Asks for what was delivered, if everything has left and nothing is being asked for. */
  ask(): void {
    if (!this.isAsking || this.#waiting !== undefined || this.#pings.length > 0) return;
    const snapshot = this.#delivered;
    if (this.#answersEvents) {
      this.#delivered = new Map();
      this.#pings.push(snapshot);
      this.#connection.send(this.#pingEvent);
      return;
    }
    // A ping of the WebSocket overtakes what waits in our queue: it has to be empty.
    if (this.#connection.queuedBytes > 0) return;
    this.#delivered = new Map();
    const token = randomId();
    this.#waiting = { token, snapshot };
    this.#connection.ping(token);
  }

  /** A heartbeat by event, for a client whose application would otherwise hear nothing. */
  heartbeat(): void {
    if (!this.#answersEvents || this.#pings.length > 0) return;
    this.#pings.push(undefined);
    this.#connection.send(this.#pingEvent);
  }

  /** `pusher:pong`: one for each ping, in order. */
  pongEvent(): void {
    settle(this.#pings.shift());
  }

  pong(token: string): void {
    if (this.#waiting?.token !== token) return;
    const { snapshot } = this.#waiting;
    this.#waiting = undefined;
    settle(snapshot);
  }

  /** The connection as whoever sends events sees it: what leaves by it is counted as delivered. */
  tracking(onFirst: () => void): Connection {
    return new TrackedConnection(this.#connection, (frame) => {
      if (this.delivered(frame)) onFirst();
    });
  }
}

function settle(snapshot: Snapshot | undefined): void {
  for (const [track, places] of snapshot ?? []) track.acknowledged(places);
}

class TrackedConnection implements Connection {
  readonly #inner: Connection;
  readonly #sent: (frame: TrackedFrame) => void;

  constructor(inner: Connection, sent: (frame: TrackedFrame) => void) {
    this.#inner = inner;
    this.#sent = sent;
  }

  get id(): string {
    return this.#inner.id;
  }

  get isOpen(): boolean {
    return this.#inner.isOpen;
  }

  get queuedBytes(): number {
    return this.#inner.queuedBytes;
  }

  get heardAt(): number {
    return this.#inner.heardAt;
  }

  send(message: string, how?: Sending): boolean {
    const taken = this.#inner.send(message, how);
    if (taken && how !== undefined && isTracked(how)) this.#sent(how);
    return taken;
  }

  purge(takes: (tag: string) => boolean): number {
    return this.#inner.purge(takes);
  }

  close(code: number, reason: string): void {
    this.#inner.close(code, reason);
  }

  terminate(): void {
    this.#inner.terminate();
  }

  ping(token?: string): void {
    this.#inner.ping(token);
  }
}

function isTracked(how: Sending): how is TrackedFrame {
  return 'of' in how && 'place' in how;
}
