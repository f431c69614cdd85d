import { sleep } from '../../kernel/clock.ts';
import {
  type GroupOptions,
  type KafkaAdmin,
  type KafkaGroup,
  Revoked,
  type TopicPartition,
  type TopicPlace,
  TriedAgain,
} from './client.ts';
import { keyOf } from './client-batches.ts';
import { atMost, Backoff, BOUNDS, bounded } from './client-bounds.ts';
import { Fetching } from './client-fetching.ts';
import type { Assignments, Membership, MembershipEvents, Wire } from './client-wire.ts';

/** Heartbeats in the time after which a silent member is taken for dead. */
export const HEARTBEATS_A_SESSION = 5;

/** Part of a session after which a member that hears nothing gives up what it has. */
const SILENCE = 0.7;
const LOOKS_A_SESSION = 20;

export function sessionOf({ sessionTimeoutMs = BOUNDS.sessionMs }: GroupOptions): number {
  return sessionTimeoutMs;
}

/** What the libraries are asked to do for a group. */
export interface GroupParts {
  readonly wire: Wire;
  readonly admin: KafkaAdmin;
  membership(events: MembershipEvents): Membership;
}

/** Partitions that are ours: read by us, and given back before the group is joined anew. */
export class Group implements KafkaGroup {
  readonly #options: GroupOptions;
  readonly #admin: KafkaAdmin;
  readonly #fetching: Fetching;
  readonly #member: Membership;
  readonly #sessionMs: number;
  /** One step (assigned, revoked) after the other. */
  #turn: Promise<void> = Promise.resolve();
  readonly #ours = new Map<string, TopicPartition>();
  /** Grows with every loss: what an older assignment still does is given up. */
  #era = 0;
  #heardAt = performance.now();
  #watch: NodeJS.Timeout | undefined;
  /** Given up without a word from the coordinator, which may still count us as the owner. */
  #forfeited = false;
  #stopped = false;

  constructor({ wire, admin, membership }: GroupParts, options: GroupOptions) {
    this.#options = options;
    this.#admin = admin;
    this.#sessionMs = sessionOf(options);
    const { onTrouble } = options;
    const onRecords: GroupOptions['onRecords'] = (records) => options.onRecords(records);
    this.#fetching = new Fetching({ wire, admin, onRecords, onTrouble, lanes: 'each' });
    this.#member = membership({
      beforeJoin: () => this.#giveUp(),
      onJoined: (assignments) => this.#joined(assignments),
      onAlive: () => this.#alive(),
      onTrouble: (error) => this.#trouble(new TriedAgain('being in a group', error)),
    });
  }

  async start(): Promise<void> {
    this.#watch = setInterval(() => this.#watchOut(), this.#sessionMs / LOOKS_A_SESSION);
    const joining = this.#member.join().then(() => this.#turn);
    await atMost(BOUNDS.stopMs, joining);
  }

  async commit(places: readonly TopicPlace[]): Promise<void> {
    const backoff = new Backoff();
    const until = performance.now() + this.#sessionMs;
    for (;;) {
      for (const place of places) if (!this.#ours.has(keyOf(place))) throw new Revoked();
      try {
        return await bounded('committing', this.#member.commit(places), this.#sessionMs);
      } catch (error) {
        const over = this.#stopped || performance.now() > until;
        if (over || !this.#member.isMomentary(error)) throw error;
        await sleep(backoff.next());
      }
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#fetching.reading(partition)?.pause();
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#fetching.reading(partition)?.resume();
    this.#fetching.look();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#watch);
    await this.#giveUp();
    await atMost(BOUNDS.stopMs, this.#member.leave());
    await atMost(BOUNDS.stopMs, this.#fetching.stop());
  }

  #joined(assignments: Assignments): void {
    this.#heardAt = performance.now();
    this.#forfeited = false;
    const era = this.#era;
    this.#turn = this.#turn.then(() => this.#assigned(assignments, era));
  }

  #alive(): void {
    this.#heardAt = performance.now();
    if (!this.#forfeited || this.#stopped) return;
    this.#forfeited = false;
    void this.#member.join();
  }

  async #assigned(assignments: Assignments, era: number): Promise<void> {
    const places = await this.#placesOf(assignments, era);
    if (!places || era !== this.#era || this.#stopped) return;
    for (const place of places) this.#ours.set(keyOf(place), place);
    this.#fetching.add(places);
    await this.#told(() => this.#options.onAssigned?.(places.map(partitionOf)));
    if (era === this.#era) this.#fetching.look();
  }

  /** Where each begins; asked for until known, or until the partitions are lost again. */
  async #placesOf(assignments: Assignments, era: number): Promise<TopicPlace[] | undefined> {
    const backoff = new Backoff();
    while (era === this.#era && !this.#stopped) {
      try {
        return await bounded('asking for offsets', this.#begins(assignments), this.#sessionMs);
      } catch (error) {
        this.#trouble(new TriedAgain('asking for offsets', error));
        await sleep(backoff.next());
      }
    }
    return undefined;
  }

  async #begins(assignments: Assignments): Promise<TopicPlace[]> {
    const named = assignments.filter(({ partitions }) => partitions.length > 0);
    if (named.length === 0) return [];
    const committed = await this.#member.committed(named);
    const latest = this.#options.start === 'latest';
    const places: TopicPlace[] = [];
    for (const { topic, partitions } of named) {
      const none = await (latest ? this.#admin.ends(topic) : this.#admin.starts(topic));
      for (const partition of partitions) {
        const offset = committed.get(keyOf({ topic, partition })) ?? none[partition] ?? 0;
        places.push({ topic, partition, offset });
      }
    }
    return places;
  }

  /** Waits for what is being handed over, tells of the loss, and only then lets go. */
  #giveUp(): Promise<void> {
    this.#era += 1;
    const step = async (): Promise<void> => {
      const lost = [...this.#ours.values()];
      if (lost.length === 0) return;
      const half = this.#sessionMs / 2;
      await atMost(half, this.#fetching.remove(lost));
      await atMost(
        half,
        this.#told(() => this.#options.onRevoked?.(lost.map(partitionOf))),
      );
      this.#ours.clear();
    };
    this.#turn = this.#turn.then(step);
    return this.#turn;
  }

  /** Without a heartbeat others soon have our partitions, even if nobody tells us: we go first. */
  #watchOut(): void {
    const silentMs = performance.now() - this.#heardAt;
    if (this.#ours.size === 0 || silentMs < this.#sessionMs * SILENCE) return;
    this.#forfeited = true;
    void this.#giveUp();
  }

  async #told(tell: () => Promise<void> | undefined): Promise<void> {
    try {
      await tell();
    } catch (error) {
      this.#trouble(error);
    }
  }

  #trouble(error: unknown): void {
    if (!this.#stopped) this.#options.onTrouble(error);
  }
}

function partitionOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}
