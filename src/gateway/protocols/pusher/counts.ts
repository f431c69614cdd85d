import { said } from './frames.ts';
import type { PusherParts } from './parts.ts';
import type { Room, Rooms } from './rooms.ts';

/** How often it is looked whether the count of another instance changed. */
const LOOK_EVERY = 5;

/** `pusher_internal:subscription_count`, for apps that want it (realtime.md §2.4). */
export class SubscriptionCounts {
  readonly #parts: Pick<PusherParts, 'registry' | 'webhooks' | 'report'>;
  readonly #rooms: Rooms;
  readonly #changed = new Set<Room>();
  readonly #told = new WeakMap<Room, number>();
  #turn = 0;

  constructor(parts: Pick<PusherParts, 'registry' | 'webhooks' | 'report'>, rooms: Rooms) {
    this.#parts = parts;
    this.#rooms = rooms;
  }

  changed(room: Room): void {
    if (isCounted(room)) this.#changed.add(room);
  }

  /** Once a second, so that a crowd is told once. */
  turn(): void {
    this.#turn += 1;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const room of changed) void this.#tell(room, true);
    if (this.#turn % LOOK_EVERY !== 0) return;
    for (const room of this.#rooms.all) if (isCounted(room)) void this.#tell(room, false);
  }

  async #tell(room: Room, byUs: boolean): Promise<void> {
    const { registry, webhooks, report } = this.#parts;
    const { app, channel, key } = room;
    try {
      const { length: count } = await registry.connections(`channel:${key}`);
      if (this.#told.get(room) === count) return;
      this.#told.set(room, count);
      const frame = said.subscriptionCount(channel, count);
      for (const subscription of room.subscriptions) subscription.say(frame);
      const event = { name: 'subscription_count', channel, subscription_count: count } as const;
      if (byUs) webhooks.tell(app, event);
    } catch (error) {
      report(error);
    }
  }
}

function isCounted({ app, channel }: Room): boolean {
  return app.subscriptionCount && !channel.startsWith('presence-');
}
