import type { Dialect, Place } from './dialects.ts';
import { aliasOf, RawSocket } from './raw-socket.ts';

/** How long to wait before the try of this number, from 1, milliseconds. */
export type Pauses = (tries: number, sinceHeld: boolean) => number;

/** As our SDK does: a second, doubled up to thirty, each by chance between nothing and all of it. */
export const OWN_PAUSES: Pauses = (tries) =>
  Math.random() * Math.min(30_000, 1_000 * 2 ** (tries - 1));

/**
 * As pusher-js does (realtime.md §0.2): a fixed second after a connection that stood, none by chance;
 * after one that never opened 15, 30 and then 60 s.
 */
export const PUSHER_PAUSES: Pauses = (tries, sinceHeld) =>
  sinceHeld ? 1_000 : Math.min(60_000, 15_000 * 2 ** Math.max(0, tries - 2));

export interface ClientOptions {
  readonly index: number;
  readonly url: string;
  readonly dialect: Dialect;
  readonly token: string;
  readonly channel: string;
  /** Absent: who is gone stays away. */
  readonly pauses?: Pauses;
}

export interface Heard {
  /** @param awayMs since it was lost, or since it began */
  subscribed(client: Client, recovered: boolean | undefined, awayMs: number): void;
  event(n: number, client: Client): void;
  /** Was subscribed, and is not any more. */
  lost(client: Client): void;
}

/** One app: a connection with one subscription, which comes again and goes on from where it was. */
export class Client {
  readonly index: number;
  /** When it was lost; `undefined` while it is subscribed. Milliseconds of the monotonic clock. */
  lostAt: number | undefined = performance.now();
  readonly #options: ClientOptions;
  readonly #heard: Heard;
  #socket: RawSocket | undefined;
  #place: Place | undefined;
  #tries = 0;
  #opened = false;
  #isClosed = false;

  constructor(options: ClientOptions, heard: Heard) {
    this.index = options.index;
    this.#options = options;
    this.#heard = heard;
    this.#connect();
  }

  get isSubscribed(): boolean {
    return this.lostAt === undefined;
  }

  say(text: string): void {
    this.#socket?.send(text);
  }

  /** As where the network goes. */
  cut(): void {
    this.#socket?.reset();
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.reset();
  }

  #connect(): void {
    const { index, url, dialect, token, channel } = this.#options;
    this.#opened = false;
    const socket = new RawSocket(dialect.address(url, token), aliasOf(index), {
      open: () => {
        this.#opened = true;
        socket.send(dialect.first(channel, token, this.#place));
      },
      text: (text) => dialect.hear(text, this.#ear(socket)),
      closed: () => this.#ended(),
    });
    this.#socket = socket;
  }

  #ear(socket: RawSocket) {
    const heard = this.#heard;
    return {
      subscribed: (place: Place | undefined, recovered: boolean | undefined): void => {
        const isFirst = this.#place === undefined;
        // What follows says how far it has come; here it is where that begins.
        if (isFirst || recovered === false) this.#place = place;
        const awayMs = performance.now() - (this.lostAt ?? performance.now());
        this.lostAt = undefined;
        this.#tries = 0;
        heard.subscribed(this, isFirst ? undefined : recovered, awayMs);
      },
      event: (n: number, offset: number | undefined): void => {
        if (this.#place !== undefined && offset !== undefined) {
          this.#place = { epoch: this.#place.epoch, offset };
        }
        heard.event(n, this);
      },
      answer: (message: string): void => socket.send(message),
      refused: (message: string): void => {
        process.stderr.write(`refused: ${message}\n`);
        socket.reset();
      },
    };
  }

  #ended(): void {
    if (this.#isClosed) return;
    if (this.lostAt === undefined) {
      this.lostAt = performance.now();
      this.#heard.lost(this);
    }
    const { pauses } = this.#options;
    if (pauses === undefined) return;
    this.#tries += 1;
    setTimeout(() => !this.#isClosed && this.#connect(), pauses(this.#tries, this.#opened));
  }
}
