import type { Service } from '../../kernel/lifecycle.ts';
import type { Leadership } from '../../twin/ports.ts';
import type { KafkaClient, KafkaGroup, TopicPartition } from './client.ts';

/** A leader that has died is replaced after this time; one that stops, at once. */
const SESSION_TIMEOUT_MS = 6_000;

export interface LeadershipOptions {
  readonly client: Pick<KafkaClient, 'group'>;
  /** Of one partition: who is given it leads. Its records are not read. */
  readonly topic: string;
  readonly groupId: string;
  readonly onTrouble: (error: unknown) => void;
  readonly sessionTimeoutMs?: number;
}

/** The member of a consumer group that holds the one partition of a topic leads. */
export function createLeadership(options: LeadershipOptions): Leadership & Service {
  return new GroupLeadership(options);
}

class GroupLeadership implements Leadership, Service {
  readonly name: string;
  readonly #options: LeadershipOptions;
  readonly #group: KafkaGroup;
  readonly #gained = new Set<() => void>();
  readonly #lost = new Set<() => void | Promise<void>>();
  #leads = false;

  constructor(options: LeadershipOptions) {
    const { client, topic, groupId, onTrouble, sessionTimeoutMs = SESSION_TIMEOUT_MS } = options;
    this.name = `leadership-of-${topic}`;
    this.#options = options;
    this.#group = client.group({
      groupId,
      topics: [topic],
      start: 'latest',
      sessionTimeoutMs,
      onAssigned: async (partitions) => this.#assigned(partitions),
      onRevoked: (partitions) => (holds(partitions) ? this.#end() : Promise.resolve()),
      onRecords: async () => undefined,
      onTrouble,
    });
  }

  get leads(): boolean {
    return this.#leads;
  }

  onGained(listener: () => void): () => void {
    this.#gained.add(listener);
    if (this.#leads) this.#tell(listener);
    return () => void this.#gained.delete(listener);
  }

  onLost(listener: () => void | Promise<void>): () => void {
    this.#lost.add(listener);
    return () => void this.#lost.delete(listener);
  }

  start(): Promise<void> {
    return this.#group.start();
  }

  /** What the leader does ends before the group is left, so that the next begins after it. */
  async stop(): Promise<void> {
    await this.#end();
    await this.#group.stop();
  }

  #assigned(partitions: readonly TopicPartition[]): void {
    if (!holds(partitions)) return;
    this.#group.pause(partitions);
    if (this.#leads) return;
    this.#leads = true;
    for (const listener of this.#gained) this.#tell(listener);
  }

  async #end(): Promise<void> {
    if (!this.#leads) return;
    this.#leads = false;
    for (const outcome of await Promise.allSettled([...this.#lost].map(async (end) => end()))) {
      if (outcome.status === 'rejected') this.#options.onTrouble(outcome.reason);
    }
  }

  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#options.onTrouble(error);
    }
  }
}

/** Were the topic ever given more partitions, there must not be several leaders. */
function holds(partitions: readonly TopicPartition[]): boolean {
  return partitions.some(({ partition }) => partition === 0);
}
