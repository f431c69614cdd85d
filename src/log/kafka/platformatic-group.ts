import { Consumer } from '@platformatic/kafka';
import { sleep } from '../../kernel/clock.ts';
import {
  type GroupOptions,
  type KafkaAdmin,
  type KafkaConnection,
  type KafkaGroup,
  Revoked,
  type TopicPartition,
  type TopicPlace,
} from './client.ts';
import { keyOf } from './client-batches.ts';
import { atMost, Backoff, BOUNDS, bounded } from './client-bounds.ts';
import { Fetching } from './platformatic-fetching.ts';
import { guarded, isOneOf, optionsOf } from './platformatic-options.ts';

/** Both adapters and other clients of a group must name the same way of sharing. */
const ASSIGNOR = { name: 'RoundRobinAssigner', version: 1 };
const HEARTBEATS_A_SESSION = 5;

/** A commit that a coordinator on the move refuses, and takes a moment later. */
const MOMENTARY: ReadonlySet<string> = new Set([
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR',
]);

/** Others come and go: no trouble, the group is joined anew. */
const REBALANCE: ReadonlySet<string> = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
]);

type Assignments = readonly { topic: string; partitions: number[] }[];

/**
 * The library keeps the membership (join, heartbeat, commit); the records are fetched by us, and
 * partitions are given back before the group is joined anew.
 */
export class PlatformaticGroup implements KafkaGroup {
  readonly #options: GroupOptions;
  readonly #admin: KafkaAdmin;
  readonly #fetching: Fetching;
  readonly #member: Consumer;
  readonly #sessionMs: number;
  /** One step (assigned, revoked) after the other. */
  #turn: Promise<void> = Promise.resolve();
  readonly #ours = new Map<string, TopicPartition>();
  /** Grows with every loss: what an older assignment still does is given up. */
  #era = 0;
  #heardAt = performance.now();
  #watch: NodeJS.Timeout | undefined;
  #joining = false;
  /** Given up without a word from the coordinator, which may still count us as the owner. */
  #forfeited = false;
  #stopped = false;

  constructor(connection: KafkaConnection, admin: KafkaAdmin, options: GroupOptions) {
    const { groupId, topics, onTrouble, sessionTimeoutMs = BOUNDS.sessionMs } = options;
    this.#options = options;
    this.#admin = admin;
    this.#sessionMs = sessionTimeoutMs;
    const onRecords: GroupOptions['onRecords'] = (records) => options.onRecords(records);
    this.#fetching = new Fetching({ connection, admin, onRecords, onTrouble, lanes: 'each' });
    this.#member = guarded(
      new Consumer({
        ...optionsOf(connection),
        groupId,
        retries: 0,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: Math.max(BOUNDS.rebalanceMs, sessionTimeoutMs),
        heartbeatInterval: sessionTimeoutMs / HEARTBEATS_A_SESSION,
        protocols: [ASSIGNOR],
        // Asked for before every join: the one place between the news of a rebalance and the
        // request that lets the others have our partitions.
        protocolsMetadata: async () => {
          await this.#giveUp();
          return Buffer.alloc(0);
        },
      }),
    );
    for (const topic of topics) this.#member.topics.track(topic);
    this.#listen();
  }

  async start(): Promise<void> {
    this.#watch = setInterval(() => this.#watchOut(), this.#sessionMs / HEARTBEATS_A_SESSION);
    await atMost(BOUNDS.stopMs, this.#join());
  }

  async commit(places: readonly TopicPlace[]): Promise<void> {
    const backoff = new Backoff();
    const until = performance.now() + this.#sessionMs;
    for (;;) {
      for (const place of places) if (!this.#ours.has(keyOf(place))) throw new Revoked();
      const offsets = places.map(({ offset, ...place }) => ({
        ...place,
        offset: BigInt(offset),
        leaderEpoch: -1,
      }));
      try {
        return await bounded('committing', this.#member.commit({ offsets }), this.#sessionMs);
      } catch (error) {
        const momentary = isOneOf(error, MOMENTARY) || isNetwork(error);
        if (!momentary || this.#stopped || performance.now() > until) throw error;
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
    this.#stopped = true;
    clearInterval(this.#watch);
    await this.#giveUp();
    await atMost(BOUNDS.stopMs, this.#fetching.stop());
    await atMost(BOUNDS.stopMs, Promise.resolve(this.#member.leaveGroup(true)));
    await atMost(BOUNDS.stopMs, this.#member.close(true));
  }

  #listen(): void {
    this.#member.on('consumer:group:join', ({ assignments }) => {
      this.#heardAt = performance.now();
      this.#forfeited = false;
      const era = this.#era;
      this.#turn = this.#turn.then(() => this.#assigned(assignments ?? [], era));
    });
    this.#member.on('consumer:heartbeat:end', () => {
      this.#heardAt = performance.now();
      if (this.#forfeited) void this.#join();
    });
    this.#member.on('consumer:heartbeat:error', ({ error }) => this.#trouble(error));
    // The library has tried to join anew, in vain, and does nothing more.
    this.#member.on('error' as 'consumer:lag:error', (error) => {
      if (!isOneOf(error, REBALANCE)) this.#trouble(error);
      void this.#join();
    });
  }

  /** Tries until it succeeds. */
  async #join(): Promise<void> {
    if (this.#joining) return;
    this.#joining = true;
    const backoff = new Backoff();
    while (!this.#stopped) {
      try {
        await this.#member.joinGroup({});
        break;
      } catch (error) {
        if (!isOneOf(error, REBALANCE)) this.#trouble(error);
        this.#member.clearMetadata();
      }
      await sleep(backoff.next());
    }
    this.#joining = false;
    await this.#turn;
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
        return await bounded('asking for offsets', this.#committed(assignments), this.#sessionMs);
      } catch (error) {
        this.#trouble(error);
        await sleep(backoff.next());
      }
    }
    return undefined;
  }

  async #committed(assignments: Assignments): Promise<TopicPlace[]> {
    const named = assignments.filter(({ partitions }) => partitions.length > 0);
    if (named.length === 0) return [];
    const latest = this.#options.start === 'latest';
    const committed = await this.#member.listCommittedOffsets({ topics: [...named] });
    const places: TopicPlace[] = [];
    for (const { topic, partitions } of named) {
      const none = await (latest ? this.#admin.ends(topic) : this.#admin.starts(topic));
      for (const partition of partitions) {
        const known = Number(committed.get(topic)?.[partition] ?? -1);
        places.push({ topic, partition, offset: known < 0 ? (none[partition] ?? 0) : known });
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

  /** After a session without a heartbeat others have our partitions, even if nobody told us. */
  #watchOut(): void {
    if (this.#ours.size === 0 || performance.now() - this.#heardAt < this.#sessionMs) return;
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

function isNetwork(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'PLT_KFK_NETWORK';
}
