import type { Principal, ViewChange } from '../../twin/ports.ts';
import type { Reader } from '../../twin/reader/index.ts';
import { AT_ONCE, URIS_MAX } from '../../twin/rechecks.ts';
import { type StreamState, tokenKey } from './stream.ts';

export interface FeedParts {
  readonly reader: Pick<Reader, 'variants'>;
  readonly feeds: ReadonlySet<StreamState>;
  /** Something changed that these streams may know of. */
  readonly tell: (streams: readonly StreamState[]) => void;
  /** What they may know cannot be told for sure. */
  readonly fail: (streams: readonly StreamState[], error: unknown) => void;
}

/**
 * Who listens to a change feed is told of what changed anywhere, if they may know of it. So each
 * change asks for a check of each token, whatever its streams; what changes meanwhile waits for
 * the next sweep, once for each document.
 */
export class Feeds {
  readonly #parts: FeedParts;
  #changes = new Map<string, ViewChange>();
  #sweeping = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  changed(changes: readonly ViewChange[]): void {
    if (this.#parts.feeds.size === 0) return;
    for (const change of changes) this.#changes.set(`${change.uri} ${change.variant}`, change);
    void this.#sweep();
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    while (this.#changes.size > 0) {
      const changes = [...this.#changes.values()];
      this.#changes = new Map();
      const left = Map.groupBy(this.#parts.feeds, tokenKey).values();
      const worker = async (): Promise<void> => {
        for (const streams of left) await this.#look(streams, changes);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    }
    this.#sweeping = false;
  }

  async #look(streams: readonly StreamState[], changes: readonly ViewChange[]): Promise<void> {
    const open = streams.filter(({ closed }) => !closed);
    const [first] = open;
    if (first === undefined) return;
    try {
      if (await this.#mayKnow(first.principal, changes)) this.#parts.tell(open);
    } catch (error) {
      this.#parts.fail(open, error);
    }
  }

  async #mayKnow(principal: Principal, changes: readonly ViewChange[]): Promise<boolean> {
    for (let from = 0; from < changes.length; from += URIS_MAX) {
      const some = changes.slice(from, from + URIS_MAX);
      const uris = some.map(({ uri }) => uri);
      const variants = await this.#parts.reader.variants(principal, uris);
      if (some.some(({ variant }, index) => variants[index] === variant)) return true;
    }
    return false;
  }
}
