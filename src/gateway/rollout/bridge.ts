import type { Clock, Timer } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type { ChannelLog, GatewayEvent, StreamName } from '../ports.ts';
import { isClientEvent, namedOnApp, namedOnMember } from '../protocols/pusher/events.ts';
import { withAppend } from '../streams/around.ts';
import { type FormerPusher, RefusedByPusher } from './former.ts';

/** Told what became of each event, by its name at Pusher, or by why it did not arrive. */
export interface BridgeCounts {
  bridged(name: string): void;
  failed(reason: BridgeFailure): void;
}

/**
 * `expired`: later it must not be told; `refused`: Pusher takes it never (too large, wrong keys);
 * `unreachable`: not within the tries; `queue_full`: more waits than is held; `stopped`.
 */
export type BridgeFailure = 'expired' | 'refused' | 'unreachable' | 'queue_full' | 'stopped';

export interface BridgeParts {
  readonly former: FormerPusher;
  readonly counts: BridgeCounts;
  readonly clock: Clock;
  /** Events that wait at most. */
  readonly waitingMax?: number;
}

const TRIES = 4;
const RETRY_MS = 500;
/** Requests under way at a time. */
const AT_ONCE = 16;
const WAITING_MAX = 10_000;
/** How long a stopping server goes on for what waits. */
const DRAIN_MS = 5_000;

interface Publication {
  readonly channels: readonly string[];
  readonly name: string;
  readonly data: string;
  readonly validUntil: string | undefined;
}

/**
 * Publishes each event to the former Pusher as well, in the order of each stream. Beside the
 * gateway, never in its way: a Pusher that is slow or away costs nobody here anything. What waits
 * when the process is killed does not arrive there, as when a backend is killed that publishes itself.
 */
export class Bridge implements Service {
  readonly name = 'pusher-bridge';
  readonly #parts: BridgeParts;
  /** By stream: one at a time, so that its order is kept. */
  readonly #lanes = new Map<StreamName, Publication[]>();
  readonly #ready: StreamName[] = [];
  #waiting = 0;
  #running = 0;
  #stopping = false;
  #onIdle: (() => void) | undefined;

  constructor(parts: BridgeParts) {
    this.#parts = parts;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    const { clock, counts } = this.#parts;
    if (this.#waiting + this.#running > 0) {
      await new Promise<void>((resolve) => {
        const late = clock.after(DRAIN_MS, resolve);
        this.#onIdle = () => {
          late.cancel();
          resolve();
        };
      });
    }
    this.#stopping = true;
    for (let left = this.#waiting; left > 0; left -= 1) counts.failed('stopped');
    this.#lanes.clear();
    this.#waiting = 0;
  }

  /** Never throws, and never waits. */
  offer(stream: StreamName, event: GatewayEvent): void {
    for (const publication of publicationsOf(stream, event)) this.#add(stream, publication);
    this.#fill();
  }

  #add(stream: StreamName, publication: Publication): void {
    if (this.#stopping || this.#waiting >= (this.#parts.waitingMax ?? WAITING_MAX)) {
      this.#parts.counts.failed(this.#stopping ? 'stopped' : 'queue_full');
      return;
    }
    const lane = this.#lanes.get(stream);
    this.#waiting += 1;
    if (lane !== undefined) {
      lane.push(publication);
      return;
    }
    this.#lanes.set(stream, [publication]);
    this.#ready.push(stream);
  }

  #fill(): void {
    while (this.#running < AT_ONCE) {
      const stream = this.#ready.shift();
      if (stream === undefined) return;
      this.#running += 1;
      void this.#run(stream);
    }
  }

  async #run(stream: StreamName): Promise<void> {
    const next = this.#lanes.get(stream)?.shift();
    if (next !== undefined) {
      this.#waiting -= 1;
      await this.#publish(next);
    }
    this.#running -= 1;
    if ((this.#lanes.get(stream)?.length ?? 0) > 0) this.#ready.push(stream);
    else this.#lanes.delete(stream);
    if (this.#running === 0 && this.#ready.length === 0) this.#onIdle?.();
    this.#fill();
  }

  async #publish({ channels, name, data, validUntil }: Publication): Promise<void> {
    const { former, counts, clock } = this.#parts;
    for (let tried = 1; ; tried += 1) {
      if (validUntil !== undefined && Date.parse(validUntil) <= clock.now()) {
        return counts.failed('expired');
      }
      try {
        await former.publish(channels, name, data);
        return counts.bridged(name);
      } catch (error) {
        const status = error instanceof RefusedByPusher ? error.status : undefined;
        if (status !== undefined && status < 500 && status !== 429) return counts.failed('refused');
        if (tried === TRIES) return counts.failed('unreachable');
        await new Promise<void>((resolve) => {
          clock.after(RETRY_MS * 2 ** (tried - 1), resolve);
        });
      }
    }
  }
}

/** As the apps know it: a member's event on both channels of the member, an app's on its own. */
function publicationsOf(stream: StreamName, event: GatewayEvent): Publication[] {
  const { validUntil } = event;
  const [kind, id = '', channel] = stream.split(':');
  if (kind === 'pusher') {
    // What clients say to each other, and what instances do, is no event of a backend.
    const isOwn = channel !== undefined && !/^[#!]/.test(channel) && stream.split(':').length === 3;
    if (!isOwn || isClientEvent(event.type) || channel.includes('-encrypted-')) return [];
    return [{ ...namedOnApp(event), channels: [channel], validUntil }];
  }
  if (kind !== 'member') return [];
  const [own, seen] = [namedOnMember(event, 'private'), namedOnMember(event, 'presence')];
  const publications: Publication[] = [];
  if (own !== undefined) {
    const channels = [`private-member-${id}`];
    if (seen?.name === own.name && seen.data === own.data) channels.push(`presence-member-${id}`);
    publications.push({ ...own, channels, validUntil });
  }
  return publications;
}

/** A channel log that hands each event to the bridge once, over all instances. */
export function bridged(log: ChannelLog, bridge: Pick<Bridge, 'offer'>): ChannelLog {
  return withAppend(log, async (stream, event, dedup) => {
    const place = await log.append(stream, event, dedup);
    if (!place.duplicate) bridge.offer(stream, event);
    return place;
  });
}

/** Looks now and then who is subscribed there. */
export class FormerWatch implements Service {
  readonly name = 'pusher-watch';
  readonly #look: () => Promise<void>;
  readonly #clock: Clock;
  readonly #report: (error: unknown) => void;
  #timer: Timer | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(look: () => Promise<void>, clock: Clock, report: (error: unknown) => void) {
    this.#look = look;
    this.#clock = clock;
    this.#report = report;
  }

  start(): Promise<void> {
    this.#again(0);
    return Promise.resolve();
  }

  /** A look that is under way is waited for: what it writes to is closed afterwards. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#looking;
  }

  #again(afterMs: number): void {
    this.#timer = this.#clock.after(afterMs, () => {
      this.#looking = this.#look()
        .catch(this.#report)
        .finally(() => {
          if (this.#timer !== undefined) this.#again(LOOK_MS);
        });
    });
  }
}

const LOOK_MS = 5 * 60_000;
