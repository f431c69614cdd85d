import { AssignerProtocol, type Cluster } from 'kafkajs';
import { sleep } from '../../kernel/clock.ts';
import type { GroupOptions, KafkaConnection, TopicPlace } from './client.ts';
import { keyOf } from './client-batches.ts';
import { Backoff, BOUNDS } from './client-bounds.ts';
import { HEARTBEATS_A_SESSION, sessionOf } from './client-group.ts';
import {
  ASSIGNOR,
  type Assignments,
  type Membership,
  type MembershipEvents,
} from './client-wire.ts';
import { Link } from './kafkajs-link.ts';
import { clusterOf, kafkaOf, typeOf } from './kafkajs-options.ts';
import type { JoinedGroup, WireBroker } from './kafkajs-types.ts';

const { MemberAssignment, MemberMetadata } = AssignerProtocol;
const NOTHING = Buffer.alloc(0);

/** Others come and go: no trouble, the group is joined anew. */
const REBALANCE: ReadonlySet<string | undefined> = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
]);

const MOMENTARY: ReadonlySet<string | undefined> = new Set([
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
]);

/**
 * The library's consumer joins anew in the middle of its reading, and beats only between batches.
 * Here the protocol of a group is spoken by itself: join, share, beat, until it is left.
 */
export class KafkajsMembership implements Membership {
  readonly #cluster: Cluster;
  readonly #link: Link<Cluster>;
  readonly #options: GroupOptions;
  readonly #events: MembershipEvents;
  readonly #sessionMs: number;
  #memberId = '';
  #generation = -1;
  #coordinator: WireBroker | undefined;
  #joining: Promise<void> | undefined;
  #beat: NodeJS.Timeout | undefined;
  #left = false;

  constructor(connection: KafkaConnection, options: GroupOptions, events: MembershipEvents) {
    this.#cluster = clusterOf(kafkaOf(connection, 0), 'committed');
    this.#link = new Link(this.#cluster);
    this.#options = options;
    this.#events = events;
    this.#sessionMs = sessionOf(options);
  }

  join(): Promise<void> {
    this.#joining ??= this.#join().finally(() => {
      this.#joining = undefined;
    });
    return this.#joining;
  }

  async commit(places: readonly TopicPlace[]): Promise<void> {
    const topics = [...Map.groupBy(places, ({ topic }) => topic)].map(([topic, of]) => ({
      topic,
      partitions: of.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    }));
    await this.#asked((broker) =>
      broker.offsetCommit({
        groupId: this.#options.groupId,
        groupGenerationId: this.#generation,
        memberId: this.#memberId,
        topics,
      }),
    );
  }

  isMomentary(error: unknown): boolean {
    return MOMENTARY.has(typeOf(error)) || (typeOf(error) === undefined && error instanceof Error);
  }

  async committed(assignments: Assignments): Promise<Map<string, number>> {
    const topics = assignments.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) => ({ partition, offset: '-1' })),
    }));
    const { groupId } = this.#options;
    const { responses } = await this.#asked((broker) => broker.offsetFetch({ groupId, topics }));
    const known = new Map<string, number>();
    for (const { topic, partitions } of responses) {
      for (const { partition, offset } of partitions) {
        if (Number(offset) >= 0) known.set(keyOf({ topic, partition }), Number(offset));
      }
    }
    return known;
  }

  async leave(): Promise<void> {
    this.#left = true;
    clearTimeout(this.#beat);
    const memberId = this.#memberId;
    const { groupId } = this.#options;
    try {
      if (memberId) await this.#asked((broker) => broker.leaveGroup({ groupId, memberId }));
    } finally {
      await this.#link.close();
    }
  }

  async #join(): Promise<void> {
    clearTimeout(this.#beat);
    const backoff = new Backoff();
    while (!this.#left) {
      try {
        const assignments = await this.#joinOnce();
        if (this.#left) return;
        this.#events.onJoined(assignments);
        this.#beatLater();
        return;
      } catch (error) {
        this.#failed(error);
        await sleep(backoff.next());
      }
    }
  }

  async #joinOnce(): Promise<Assignments> {
    await this.#events.beforeJoin();
    const { groupId } = this.#options;
    const topics = [...this.#options.topics];
    await this.#link.use('asking for metadata', async (cluster) => {
      await cluster.connect();
      await cluster.addMultipleTargetTopics(topics);
    });
    const metadata = MemberMetadata.encode({
      ...{ version: ASSIGNOR.version, topics, userData: NOTHING },
    });
    const joined = await this.#asked((broker) =>
      broker.joinGroup({
        groupId,
        sessionTimeout: this.#sessionMs,
        rebalanceTimeout: Math.max(BOUNDS.rebalanceMs, this.#sessionMs),
        memberId: this.#memberId,
        groupProtocols: [{ name: ASSIGNOR.name, metadata }],
      }),
    );
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    const groupAssignment = joined.leaderId === joined.memberId ? await this.#share(joined) : [];
    const { generationId, memberId } = joined;
    const { memberAssignment } = await this.#asked((broker) =>
      broker.syncGroup({ groupId, generationId, memberId, groupAssignment }),
    );
    const { assignment = {} } = MemberAssignment.decode(memberAssignment) ?? {};
    return Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions }));
  }

  /** In turn, as the library's own assignor and the other adapter do. */
  async #share({ members }: JoinedGroup) {
    await this.#link.use('asking for metadata', (cluster) => cluster.refreshMetadata());
    const ids = members.map(({ memberId }) => memberId).toSorted();
    const shares = new Map(ids.map((id): [string, Record<string, number[]>] => [id, {}]));
    const places = this.#options.topics.flatMap((topic) =>
      this.#cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId }) => ({ topic, partition: partitionId }))
        .toSorted((a, b) => a.partition - b.partition),
    );
    for (const [index, { topic, partition }] of places.entries()) {
      const share = shares.get(ids[index % ids.length] ?? '');
      if (share) share[topic] = [...(share[topic] ?? []), partition];
    }
    return [...shares].map(([memberId, assignment]) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({
        ...{ version: ASSIGNOR.version, assignment, userData: NOTHING },
      }),
    }));
  }

  #beatLater(): void {
    if (this.#left) return;
    this.#beat = setTimeout(() => void this.#beatNow(), this.#sessionMs / HEARTBEATS_A_SESSION);
  }

  async #beatNow(): Promise<void> {
    const memberId = this.#memberId;
    const { groupId } = this.#options;
    try {
      await this.#asked((broker) =>
        broker.heartbeat({ groupId, groupGenerationId: this.#generation, memberId }),
      );
      this.#events.onAlive();
    } catch (error) {
      this.#failed(error);
      if (REBALANCE.has(typeOf(error))) return void this.join();
    }
    if (!this.#joining) this.#beatLater();
  }

  #failed(error: unknown): void {
    if (typeOf(error) === 'UNKNOWN_MEMBER_ID') this.#memberId = '';
    if (!this.#left && !REBALANCE.has(typeOf(error))) this.#events.onTrouble(error);
  }

  /** Asks the coordinator; looks for it anew once it has failed. */
  async #asked<T>(ask: (broker: WireBroker) => Promise<T>): Promise<T> {
    const { groupId } = this.#options;
    const finding = async (cluster: Cluster): Promise<T> => {
      this.#coordinator ??= (await cluster.findGroupCoordinator({ groupId })) as WireBroker;
      return ask(this.#coordinator);
    };
    try {
      return await this.#link.use('asking the coordinator', finding, BOUNDS.callMs * 2);
    } catch (error) {
      if (!REBALANCE.has(typeOf(error))) this.#coordinator = undefined;
      throw error;
    }
  }
}
