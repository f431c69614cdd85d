import { LIMITS } from '../../kernel/limits.ts';
import type { SubmittedBundle } from '../events/index.ts';
import type { KafkaRecord } from './client.ts';

/** A submission of which parts are still to come. */
interface Open {
  readonly first: KafkaRecord;
  readonly parts: SubmittedBundle[];
  readonly sinceMs: number;
  bytes: number;
}

/** A producer that died between its parts never sends the rest. */
const PART_TIMEOUT_MS = 60_000;
const OPEN_MAX = 64;
const OPEN_BYTES_MAX = 2 * LIMITS.bundleBytesMax;

/** Submissions that come in parts, until they are whole or given up: few, and bounded in bytes. */
export class OpenParts {
  readonly #now: () => number;
  /** In the order in which they began. */
  readonly #open = new Map<string, Open>();
  #bytes = 0;

  /** @param now milliseconds, monotonic */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Answers all parts in order once the last has come, with the record of the first that came. */
  add(
    record: KafkaRecord,
    part: SubmittedBundle,
  ): { readonly parts: readonly SubmittedBundle[]; readonly first: KafkaRecord } | undefined {
    const { tenant, eventId, body } = part;
    const { count, index } = part.part;
    const key = JSON.stringify([tenant, eventId, count]);
    const open = this.#open.get(key) ?? {
      ...{ first: record, parts: [], bytes: 0, sinceMs: this.#now() },
    };
    this.#open.set(key, open);
    // Sent again by a producer that did not hear the answer.
    if (open.parts.some((one) => one.part.index === index)) return undefined;
    open.parts.push(part);
    open.bytes += body.length;
    this.#bytes += body.length;
    if (open.parts.length < count) return undefined;
    this.#end(key, open);
    return { parts: open.parts.toSorted((a, b) => a.part.index - b.part.index), first: open.first };
  }

  /** Those that are given up: too old, or, the oldest first, too many or too large together. */
  giveUp(): KafkaRecord[] {
    const given: KafkaRecord[] = [];
    for (const [key, open] of this.#open) {
      const isOld = this.#now() - open.sinceMs >= PART_TIMEOUT_MS;
      const isFull = this.#open.size > OPEN_MAX || this.#bytes > OPEN_BYTES_MAX;
      if (!isOld && !isFull) continue;
      this.#end(key, open);
      given.push(open.first);
    }
    return given;
  }

  /** Offsets of a partition at which submissions began that are still open. */
  begun(partition: number): number[] {
    const firsts = [...this.#open.values()].map(({ first }) => first);
    return firsts.filter((first) => first.partition === partition).map(({ offset }) => offset);
  }

  #end(key: string, { bytes }: Open): void {
    this.#open.delete(key);
    this.#bytes -= bytes;
  }
}
