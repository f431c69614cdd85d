import type { Clock, Timer } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Presence, PresenceChange, PresentUser } from '../ports.ts';

/** A reconnect within this time shows no flap (realtime.md §5.6). */
export const GRACE_MS = 3_000;

interface There {
  readonly user: PresentUser;
  readonly connections: Set<string>;
  leaving: Timer | undefined;
}

export interface MemoryPresenceOptions {
  readonly clock: Clock;
  readonly graceMs?: number;
}

/** Presence of one process, without Redis. */
export class MemoryPresence implements Presence {
  readonly name = 'gateway-presence';
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #channels = new Map<string, Map<string, There>>();
  readonly #listeners = new Set<(change: PresenceChange) => void>();

  constructor({ clock, graceMs = GRACE_MS }: MemoryPresenceOptions) {
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    const all = [...this.#channels.values()].flatMap((users) => [...users.values()]);
    for (const { leaving } of all) leaving?.cancel();
    return Promise.resolve();
  }

  async join(
    channel: string,
    user: PresentUser,
    connection: string,
    usersMax: number,
  ): Promise<readonly PresentUser[]> {
    const users = this.#channels.get(channel) ?? new Map<string, There>();
    const known = users.get(user.id);
    if (known === undefined && users.size >= usersMax) {
      throw new Fault('RATE_LIMITED', { detail: 'Too many are present.' });
    }
    this.#channels.set(channel, users);
    if (known === undefined) {
      users.set(user.id, { user, connections: new Set([connection]), leaving: undefined });
      this.#tell({ channel, kind: 'member_added', user });
    } else {
      known.leaving?.cancel();
      known.leaving = undefined;
      known.connections.add(connection);
    }
    return await this.users(channel);
  }

  leave(channel: string, connection: string): Promise<void> {
    for (const there of this.#channels.get(channel)?.values() ?? []) {
      if (!there.connections.delete(connection) || there.connections.size > 0) continue;
      there.leaving = this.#clock.after(this.#graceMs, () => this.#gone(channel, there));
    }
    return Promise.resolve();
  }

  #gone(channel: string, { user }: There): void {
    const users = this.#channels.get(channel);
    users?.delete(user.id);
    if (users?.size === 0) this.#channels.delete(channel);
    this.#tell({ channel, kind: 'member_removed', user });
  }

  users(channel: string): Promise<readonly PresentUser[]> {
    const users = [...(this.#channels.get(channel)?.values() ?? [])];
    return Promise.resolve(users.map(({ user }) => user));
  }

  onChange(listener: (change: PresenceChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(change: PresenceChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
