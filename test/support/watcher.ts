import { sleep } from '../../src/kernel/clock.ts';
import type { TestServer } from './server.ts';
import { etagOf, listen, openSession, type RawStream } from './streams.ts';

/** `2026-07-28`: one listen stream; `2025`: a session that is pushed to. */
export type Era = '2026-07-28' | '2025';

export interface Receipt {
  readonly uri: string;
  readonly etag: string;
}

export interface WatchOptions {
  /** The instance that it is connected to, as it is now: another process after a restart. */
  readonly server: () => TestServer;
  readonly as: string;
  readonly era: Era;
  readonly uris: readonly string[];
}

const AGAIN_MS = 200;

/**
 * A subscriber as real clients are: when its stream ends it subscribes anew, without a cursor, for
 * as long as it runs. It reads nothing, so that nothing is kept from it as known.
 */
export class Watcher {
  readonly as: string;
  readonly name: string;
  readonly #options: WatchOptions;
  readonly #acknowledged = new Set<string>();
  readonly #streams: RawStream[] = [];
  #failure: unknown;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: WatchOptions) {
    this.#options = options;
    this.as = options.as;
    this.name = `${options.as} (${options.era})`;
  }

  /** Everything that a stream of it has ever acknowledged. */
  get acknowledged(): readonly string[] {
    return [...this.#acknowledged];
  }

  /** Each told etag, in order, over all of its streams. */
  get receipts(): readonly Receipt[] {
    const told = this.#streams.flatMap((stream) => stream.told);
    return told.map(({ uri, meta }) => ({ uri, etag: etagOf(meta) }));
  }

  get opened(): number {
    return this.#streams.length;
  }

  /** How it stands, for whoever wonders why it was not told. */
  get state(): string {
    const said = this.#failure === undefined ? '' : `, failed last with ${this.#failure}`;
    return `${this.name} opened ${this.opened} streams for ${this.acknowledged}${said}`;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#streams.at(-1)?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const stream = await this.#open().catch((error: unknown) => {
        this.#failure = error;
        return undefined;
      });
      while (stream !== undefined && !stream.ended && !this.#stopped) await sleep(20);
      stream?.close();
      await sleep(AGAIN_MS);
    }
  }

  async #open(): Promise<RawStream> {
    const { server, as, era, uris } = this.#options;
    const now = server();
    const token = await now.token(as);
    if (era === '2026-07-28') {
      const stream = await listen(now, token, uris);
      this.#streams.push(stream);
      for (const uri of stream.acknowledged) this.#acknowledged.add(uri);
      return stream;
    }
    const session = await openSession(now, token);
    for (const uri of uris) {
      const { error } = await session.send('resources/subscribe', { uri });
      if (error === undefined) this.#acknowledged.add(uri);
    }
    const stream = await session.push();
    this.#streams.push(stream);
    return stream;
  }
}
