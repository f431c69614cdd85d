import { Consumer } from '@platformatic/kafka';
import { sleep } from '../../kernel/clock.ts';
import type { GroupOptions, KafkaConnection, TopicPlace } from './client.ts';
import { keyOf } from './client-batches.ts';
import { atMost, Backoff, BOUNDS } from './client-bounds.ts';
import { HEARTBEATS_A_SESSION, sessionOf } from './client-group.ts';
import {
  ASSIGNOR,
  type Assignments,
  type Membership,
  type MembershipEvents,
} from './client-wire.ts';
import { guarded, isOneOf, optionsOf } from './platformatic-options.ts';

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

/** The library joins, beats and joins anew; what it gives up with is tried on here. */
export class PlatformaticMembership implements Membership {
  readonly #member: Consumer;
  readonly #events: MembershipEvents;
  #joining: Promise<void> | undefined;
  #left = false;

  constructor(connection: KafkaConnection, options: GroupOptions, events: MembershipEvents) {
    const sessionTimeout = sessionOf(options);
    this.#events = events;
    this.#member = guarded(
      new Consumer({
        ...optionsOf(connection),
        groupId: options.groupId,
        // A commit that the library tries again it first joins anew for: in the name of whoever
        // has the partitions by then.
        retries: 0,
        sessionTimeout,
        rebalanceTimeout: Math.max(BOUNDS.rebalanceMs, sessionTimeout),
        heartbeatInterval: sessionTimeout / HEARTBEATS_A_SESSION,
        protocols: [ASSIGNOR],
        // Asked for before every join: the one place between the news of a rebalance and the
        // request that lets the others have our partitions.
        protocolsMetadata: async () => {
          await events.beforeJoin();
          return Buffer.alloc(0);
        },
      }),
    );
    for (const topic of options.topics) this.#member.topics.track(topic);
    this.#listen();
  }

  join(): Promise<void> {
    this.#joining ??= this.#join().finally(() => {
      this.#joining = undefined;
    });
    return this.#joining;
  }

  async commit(places: readonly TopicPlace[]): Promise<void> {
    const offsets = places.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      offset: BigInt(offset),
      leaderEpoch: -1,
    }));
    await this.#member.commit({ offsets });
  }

  isMomentary(error: unknown): boolean {
    return isOneOf(error, MOMENTARY) || (error as { code?: unknown }).code === 'PLT_KFK_NETWORK';
  }

  async committed(assignments: Assignments): Promise<Map<string, number>> {
    const listed = await this.#member.listCommittedOffsets({ topics: [...assignments] });
    const known = new Map<string, number>();
    for (const { topic, partitions } of assignments) {
      for (const partition of partitions) {
        const offset = Number(listed.get(topic)?.[partition] ?? -1);
        if (offset >= 0) known.set(keyOf({ topic, partition }), offset);
      }
    }
    return known;
  }

  async leave(): Promise<void> {
    this.#left = true;
    await atMost(BOUNDS.stopMs, Promise.resolve(this.#member.leaveGroup(true)));
    await atMost(BOUNDS.stopMs, this.#member.close(true));
  }

  #listen(): void {
    const member = this.#member;
    member.on('consumer:group:join', ({ assignments = [] }) => this.#events.onJoined(assignments));
    member.on('consumer:heartbeat:end', () => this.#events.onAlive());
    member.on('consumer:heartbeat:error', ({ error }) => this.#trouble(error));
    // The library has tried to join anew, in vain, and does nothing more. The event is not in its
    // types.
    member.on('error' as 'consumer:lag:error', (error) => {
      this.#trouble(error);
      void this.join();
    });
  }

  async #join(): Promise<void> {
    const backoff = new Backoff();
    while (!this.#left) {
      try {
        await this.#member.joinGroup({});
        return;
      } catch (error) {
        this.#trouble(error);
        this.#member.clearMetadata();
        await sleep(backoff.next());
      }
    }
  }

  #trouble(error: unknown): void {
    if (!this.#left && !isOneOf(error, REBALANCE)) this.#events.onTrouble(error);
  }
}
