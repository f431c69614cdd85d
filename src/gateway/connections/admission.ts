import type { Clock, Timer } from '../../kernel/clock.ts';
import type { Admission, Connection } from '../ports.ts';

/** How often those who wait are let in. */
const TURN_MS = 10;

interface Parked {
  readonly connection: Connection;
  readonly until: number;
  readonly resolve: (admitted: boolean) => void;
}

/**
 * Lets connections in at a steady rate, in the order in which they came: after a restart everybody
 * comes at once, and what each costs (a token to verify, rights to check, logs to read) would
 * otherwise fall on the parts behind at once. A stock client waits 8 s and more on an open socket,
 * but up to 60 s after one that was refused (realtime.md §0.2, §5.5).
 */
export class PacedAdmission implements Admission {
  readonly #clock: Clock;
  readonly #perTurn: number;
  readonly #parked: Parked[] = [];
  #credit: number;
  #timer: Timer | undefined;
  #creditedAt: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perTurn = perSecond / 1_000;
    this.#credit = perSecond / 10;
    this.#creditedAt = clock.monotonic();
  }

  get parked(): number {
    return this.#parked.length;
  }

  admit(connection: Connection, waitMsMax: number): Promise<boolean> {
    this.#earn();
    if (this.#parked.length === 0 && this.#credit >= 1) {
      this.#credit -= 1;
      return Promise.resolve(true);
    }
    const until = this.#clock.monotonic() + waitMsMax;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#parked.push({ connection, until, resolve });
    this.#arm();
    return promise;
  }

  /** A tenth of a second of credit is kept, so that single ones never wait. */
  #earn(): void {
    const now = this.#clock.monotonic();
    const most = Math.max(this.#perTurn * 100, 1);
    this.#credit = Math.min(this.#credit + (now - this.#creditedAt) * this.#perTurn, most);
    this.#creditedAt = now;
  }

  #arm(): void {
    this.#timer ??= this.#clock.after(TURN_MS, () => {
      this.#timer = undefined;
      this.#turn();
    });
  }

  #turn(): void {
    this.#earn();
    const now = this.#clock.monotonic();
    let next = 0;
    for (; next < this.#parked.length; next += 1) {
      const { connection, until, resolve } = this.#parked[next] as Parked;
      if (!connection.isOpen || until < now) resolve(false);
      else if (this.#credit >= 1) {
        this.#credit -= 1;
        resolve(true);
      } else break;
    }
    this.#parked.splice(0, next);
    if (this.#parked.length > 0) this.#arm();
  }
}
