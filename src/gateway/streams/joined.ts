import type { Principal } from '../../twin/ports.ts';
import type { Rechecked } from '../../twin/rechecks.ts';
import type { ReadSince, StreamEntry, StreamName, Subscriber } from '../ports.ts';

/** Entries that come while a subscription begins; past that it cannot begin whole. */
const BUFFER_MAX = 1_000;

interface Heard {
  readonly epoch: string;
  readonly entry: StreamEntry;
}

/** One stream of one subscription. */
export class Joined implements Rechecked {
  readonly id: number;
  readonly subscriber: Subscriber;
  readonly stream: StreamName;
  /** For rounds of checks: one round asks about as many URIs. */
  readonly uris: { readonly size: number };
  closed = false;
  /** Live first: what comes while the log is read waits here. */
  #buffer: Heard[] | undefined = [];
  #overflown = false;
  #epoch = '';
  #after = 0;

  constructor(id: number, subscriber: Subscriber, stream: StreamName) {
    this.id = id;
    this.subscriber = subscriber;
    this.stream = stream;
    this.uris = { size: subscriber.needs(stream).length };
  }

  /** Of one that asks for rights; others are never looked at. */
  get principal(): Principal {
    return this.subscriber.principal as Principal;
  }

  get isLive(): boolean {
    return this.#buffer === undefined;
  }

  /** Whether the entry is to be told now. */
  takes(epoch: string, entry: StreamEntry): boolean {
    if (this.#buffer !== undefined) {
      if (this.#buffer.length < BUFFER_MAX) this.#buffer.push({ epoch, entry });
      else this.#overflown = true;
      return false;
    }
    return epoch === this.#epoch && entry.offset > this.#after;
  }

  /**
   * The log was read up to `read.top`; answers what came after it meanwhile, or nothing where more
   * came than could be kept, or the stream began anew: then it has to be read again.
   */
  begin({ epoch, top }: ReadSince): readonly StreamEntry[] | undefined {
    const buffer = this.#buffer ?? [];
    if (this.#overflown || buffer.some((heard) => heard.epoch !== epoch)) {
      this.#buffer = [];
      this.#overflown = false;
      return undefined;
    }
    this.#buffer = undefined;
    this.#epoch = epoch;
    this.#after = top;
    return buffer.map(({ entry }) => entry).filter(({ offset }) => offset > top);
  }

  /** The stream begins anew, or a part of it is gone. */
  moved({ epoch, top }: ReadSince): void {
    this.#epoch = epoch;
    this.#after = top;
  }

  tagOf(needs: string): string {
    return `${this.id} ${needs}`;
  }
}
