import type { TopicPartition, TopicPlace } from '../kafka/client.ts';
import type { Delivery } from './delivery.ts';
import { LowWater } from './low-water.ts';

/** What this member has under way of one partition, as long as the partition is its own. */
export class Share implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly lowWater = new LowWater();
  /** Tries under way. */
  readonly deliveries = new Set<Delivery<unknown>>();
  /** Handled, and not yet remembered. */
  handled: string[] = [];
  #live = true;
  #committed = -1;
  #busy = 0;
  readonly #waiting = new Set<() => void>();
  readonly #releasing = new Set<() => void>();

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Whether a try may begin. */
  get live(): boolean {
    return this.#live;
  }

  get busy(): number {
    return this.#busy;
  }

  begin(): void {
    this.#busy += 1;
  }

  end(): void {
    this.#busy -= 1;
    if (this.#waiting.size > 0) this.#wake();
  }

  /** No try begins from now on; those under way go on. */
  release(): void {
    this.#live = false;
    for (const listener of this.#releasing) listener();
    this.#wake();
  }

  /** Says to those under way that their effect would come too late. */
  abandon(): void {
    for (const delivery of this.deliveries) delivery.abort(new Error('the partition is gone'));
  }

  /** Waits until something has ended here, or the share is released. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** Called once, when no more tries may begin; answers how to be called no more. */
  onRelease(listener: () => void): () => void {
    if (!this.#live) listener();
    else this.#releasing.add(listener);
    return () => void this.#releasing.delete(listener);
  }

  /** What to commit; `undefined` when nothing is new. */
  get due(): TopicPlace | undefined {
    const { topic, partition } = this;
    const offset = this.lowWater.next;
    return offset > this.#committed ? { topic, partition, offset } : undefined;
  }

  committed({ offset }: TopicPlace): void {
    this.#committed = Math.max(this.#committed, offset);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const go of waiting) go();
  }
}
