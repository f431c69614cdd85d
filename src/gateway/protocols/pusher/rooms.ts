import type { PusherApp } from './apps.ts';
import type { PusherParts } from './parts.ts';
import type { ChannelSubscription } from './subscription.ts';
import { Turns } from './turns.ts';

/** One channel of an app, as this instance's clients have it. */
export interface Room {
  readonly app: PusherApp;
  readonly channel: string;
  /** `app:channel`: in presence and registry. */
  readonly key: string;
  readonly subscriptions: Set<ChannelSubscription>;
}

/** Channels of an app at most that are counted as occupied over all instances. */
export const CHANNELS_MAX = 1_000_000;

/**
 * Which channels have somebody on this instance. That a channel is occupied is known to all instances
 * in the way in which it is known who is there: by presence, on a channel that no client can name.
 */
export class Rooms {
  readonly #parts: Pick<PusherParts, 'presence' | 'report'>;
  readonly #rooms = new Map<string, Room>();
  readonly #occupants = new Map<string, string>();
  readonly #turns = new Turns();

  constructor(parts: Pick<PusherParts, 'presence' | 'report'>) {
    this.#parts = parts;
  }

  get all(): Iterable<Room> {
    return this.#rooms.values();
  }

  get(key: string): Room | undefined {
    return this.#rooms.get(key);
  }

  add(subscription: ChannelSubscription): Room {
    const { app, channel, key } = subscription;
    const room = this.#rooms.get(key) ?? { app, channel, key, subscriptions: new Set() };
    const isFirst = room.subscriptions.size === 0;
    room.subscriptions.add(subscription);
    this.#rooms.set(key, room);
    if (isFirst) this.#turns.take(key, () => this.#occupy(room, subscription.connection.id));
    return room;
  }

  /** @returns the room where it was in it */
  remove(subscription: ChannelSubscription): Room | undefined {
    const room = this.#rooms.get(subscription.key);
    if (room?.subscriptions.delete(subscription) !== true) return undefined;
    if (room.subscriptions.size === 0) {
      this.#rooms.delete(room.key);
      this.#turns.take(room.key, () => this.#vacate(room));
    }
    return room;
  }

  async #occupy(room: Room, connection: string): Promise<void> {
    const occupant = `${connection}!${room.channel}`;
    this.#occupants.set(room.key, occupant);
    const user = { id: room.channel };
    await this.#parts.presence
      .join(occupiedChannel(room.app), user, occupant, CHANNELS_MAX)
      .catch(this.#parts.report);
  }

  async #vacate({ app, key }: Room): Promise<void> {
    const occupant = this.#occupants.get(key);
    if (occupant === undefined) return;
    this.#occupants.delete(key);
    const { presence, report } = this.#parts;
    await presence.leave(occupiedChannel(app), occupant).catch(report);
  }
}

/** Whose users are channels: those that somebody subscribes to, on any instance. */
export function occupiedChannel(app: Pick<PusherApp, 'id'>): string {
  return `${app.id}!channels`;
}
