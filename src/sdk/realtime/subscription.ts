import type {
  EventFrame,
  Filter,
  GapFrame,
  PresenceFrame,
  SeenPlace,
  StreamStart,
  SubscribedFrame,
  SubscribeMessage,
} from '../../contract/frames.ts';
import type { TwinError } from '../twin-error.ts';
import type { PolledEvent, RealtimeEvent } from './events.ts';
import { filterOf, passes } from './filters.ts';
import { ByType, Listeners } from './listeners.ts';
import { EventQueue } from './queue.ts';
import type {
  Gap,
  Off,
  PresenceChange,
  PresentUser,
  SubscribeOptions,
  Subscription,
} from './types.ts';

export interface SubscriptionParts {
  readonly queueMax: number;
  /** What the whole client's listeners hear besides. */
  event(event: RealtimeEvent): void;
  gap(gap: Gap): void;
  acknowledge(stream: string, place: SeenPlace): void;
  unsubscribe(): void;
}

/** Documents of which is known what was told last, so that feed and socket do not say it twice. */
const TOLD_MAX = 1_000;

interface TwinState {
  readonly position: string;
  readonly polled: boolean;
}

/** What one subscription has seen, and who hears of it. Knows nothing of sockets. */
export class OpenSubscription implements Subscription {
  readonly id: string;
  readonly ready: Promise<void>;
  readonly ended: Promise<TwinError | undefined>;
  readonly #options: SubscribeOptions;
  readonly #filter: Filter | undefined;
  readonly #parts: SubscriptionParts;
  readonly #seen: Map<string, SeenPlace>;
  readonly #told = new Map<string, TwinState>();
  readonly #present = new Map<string, Map<string, PresentUser>>();
  readonly #events = new ByType<RealtimeEvent>();
  readonly #gaps = new Listeners<Gap>();
  readonly #presences = new Listeners<PresenceChange>();
  readonly #queues = new Set<EventQueue>();
  readonly #ready = deferred<void>();
  readonly #ended = deferred<TwinError | undefined>();
  #over = false;

  constructor(id: string, options: SubscribeOptions, parts: SubscriptionParts) {
    this.id = id;
    this.#options = options;
    this.#filter = filterOf(options);
    this.#parts = parts;
    this.#seen = new Map(Object.entries(options.since ?? {}));
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
    // Whoever does not ask is not to be bothered by it.
    this.ready.catch(() => undefined);
  }

  /** What is said on each connection anew. */
  get message(): SubscribeMessage {
    const { topics, include } = this.#options;
    return {
      ...{ type: 'subscribe', id: this.id, topics },
      ...(this.#filter !== undefined && { filters: this.#filter }),
      ...(this.#seen.size > 0 && { since: Object.fromEntries(this.#seen) }),
      ...(include !== undefined && { include }),
    };
  }

  get places(): Readonly<Record<string, SeenPlace>> {
    const places = [...this.#seen].flatMap(([stream, seen]): [string, SeenPlace][] => {
      const place = this.#handled(stream, seen);
      return place === undefined ? [] : [[stream, place]];
    });
    return Object.fromEntries(places);
  }

  /** The loop that is furthest behind decides; `undefined`: it has not handled the first yet. */
  #handled(stream: string, seen: SeenPlace): SeenPlace | undefined {
    let handled: SeenPlace | undefined = seen;
    for (const queue of this.#queues) {
      const waiting = queue.unhandled(stream);
      if (waiting === undefined) continue;
      if (waiting.before === undefined) return undefined;
      if (handled.epoch !== waiting.before.epoch || waiting.before.offset < handled.offset) {
        handled = waiting.before;
      }
    }
    return handled;
  }

  on(type: string, handler: (event: never) => void): Off {
    return this.#events.on(type, handler as (event: RealtimeEvent) => void);
  }
  onGap(handler: (gap: Gap) => void): Off {
    return this.#gaps.add(handler);
  }
  onPresence(handler: (change: PresenceChange) => void): Off {
    return this.#presences.add(handler);
  }
  present(stream: string): readonly PresentUser[] {
    return [...(this.#present.get(stream)?.values() ?? [])];
  }

  acknowledge(): void {
    for (const [stream, place] of Object.entries(this.places)) {
      this.#parts.acknowledge(stream, place);
    }
  }

  unsubscribe(): void {
    if (this.#over) return;
    this.#parts.unsubscribe();
    this.end(undefined);
  }

  [Symbol.asyncIterator](): AsyncIterator<RealtimeEvent, undefined> {
    const onFull = (streams: readonly string[]): void => {
      for (const stream of streams) this.#gap({ stream, reason: 'queue_full' });
    };
    const queue: EventQueue = new EventQueue(this.#parts.queueMax, onFull, () => {
      this.#queues.delete(queue);
    });
    if (this.#over) queue.end();
    else this.#queues.add(queue);
    return queue;
  }

  subscribed({ streams }: SubscribedFrame): void {
    for (const start of streams) {
      // Where everything follows, the place is moved by what follows, and not before.
      if (!start.recovered) this.#begin(start);
      else if (!this.#seen.has(start.stream)) this.#seen.set(start.stream, placeOf(start));
    }
    this.#ready.resolve();
  }

  gap(frame: GapFrame): void {
    this.#begin(frame);
  }

  event(frame: EventFrame): void {
    const { stream, epoch, offset, uri } = frame;
    const before = this.#seen.get(stream);
    if (before?.epoch === epoch && offset <= before.offset) return;
    const { position = before?.position } = frame;
    this.#seen.set(stream, { epoch, offset, ...(position !== undefined && { position }) });
    if (frame.topic === 'twins' && uri !== undefined && frame.position !== undefined) {
      const last = this.#tell(uri, { position: frame.position, polled: false });
      if (last?.polled === true && last.position === frame.position) return;
    }
    this.#deliver(frame as RealtimeEvent, before);
  }

  /** What the change feed says, while no socket is there. */
  polled(event: PolledEvent): void {
    const { uri, position } = event;
    if (this.#over || passes(this.#filter, uri, event.type) !== true) return;
    if (this.#tell(uri, { position, polled: true })?.position === position) return;
    this.#deliver({ ...event, subscription: this.id }, this.#seen.get(event.stream));
  }

  /** Whether the feed can say anything of it. */
  get isOfTwins(): boolean {
    return this.#options.topics.includes('twins');
  }

  /** The feed began anew: whatever was on any stream may be missing. */
  lost(reason: string): void {
    for (const stream of this.#seen.keys()) this.#gap({ stream, reason });
  }

  presence({ stream, event, users }: PresenceFrame): void {
    const present = this.#present.get(stream) ?? new Map<string, PresentUser>();
    this.#present.set(stream, present);
    if (event === 'state') present.clear();
    for (const user of users) {
      if (event === 'member_removed') present.delete(user.id);
      else present.set(user.id, user);
    }
    this.#presences.tell({ stream, event, users });
  }

  end(error: TwinError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    if (error === undefined) this.#ready.resolve();
    else this.#ready.reject(error);
    this.#ended.resolve(error);
    for (const queue of this.#queues) queue.end(error);
  }

  #begin(start: StreamStart): void {
    const { stream, reason = 'unknown', changes } = start;
    this.#seen.set(stream, placeOf(start));
    this.#gap({ stream, reason, ...(changes !== undefined && { changes }) });
  }

  #gap(gap: Gap): void {
    this.#gaps.tell(gap);
    this.#parts.gap(gap);
  }

  #deliver(event: RealtimeEvent, before: SeenPlace | undefined): void {
    for (const queue of this.#queues) queue.push(event, before);
    this.#events.tell(event);
    this.#parts.event(event);
  }

  /** Notes what is told of a document; answers what was told last. */
  #tell(uri: string, state: TwinState): TwinState | undefined {
    const last = this.#told.get(uri);
    this.#told.delete(uri);
    this.#told.set(uri, state);
    const [oldest] = this.#told.keys();
    if (this.#told.size > TOLD_MAX && oldest !== undefined) this.#told.delete(oldest);
    return last;
  }
}

function placeOf({ epoch, offset }: StreamStart): SeenPlace {
  return { epoch, offset };
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** `Promise.withResolvers`, which telephones of some years ago do not have. */
function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => undefined;
  let reject: Deferred<T>['reject'] = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
