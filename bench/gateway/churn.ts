import { sleep } from '../../src/kernel/clock.ts';
import { aliasOf, RawSocket } from './raw-socket.ts';

export interface ChurnOptions {
  readonly perSecond: number;
  readonly of: (index: number) => { readonly url: string; readonly member: string };
}

export interface ChurnCounts {
  readonly opened: number;
  readonly subscribed: number;
  /** Frames that were told besides. */
  readonly told: number;
  /** Subscriptions that were refused for now. */
  readonly refused: number;
  /** Ended before we ended it. */
  readonly lost: number;
}

const STEP_MS = 5;
/** How long one stays, evenly spread: five seconds on the average. */
const LIFE_MS = { min: 1_000, max: 9_000 };
/** One in so many goes without a close frame. */
const RESET_ONE_IN = 5;
const AGAIN_MS = 500;
const ENDS_WITHIN_MS = 10_000;

interface One {
  readonly socket: RawSocket;
  readonly subscribe: string;
  timer?: NodeJS.Timeout;
  isSubscribed: boolean;
  isEnding: boolean;
}

/** Connections that come at a fixed rate, whatever became of those before, and go after a while. */
export class Churn {
  readonly #options: ChurnOptions;
  readonly #open = new Set<One>();
  #counts = { opened: 0, subscribed: 0, told: 0, refused: 0, lost: 0 };
  #began = 0;
  #timer: NodeJS.Timeout | undefined;
  #holds = false;

  constructor(options: ChurnOptions) {
    this.#options = options;
  }

  get counts(): ChurnCounts {
    return this.#counts;
  }

  get live(): number {
    return this.#open.size;
  }

  start(): void {
    this.#began = performance.now();
    this.#timer = setInterval(() => this.#turn(), STEP_MS);
  }

  /** Nobody comes or goes any more; answers how many sockets are open, each with its subscription. */
  async hold(): Promise<number> {
    clearInterval(this.#timer);
    this.#holds = true;
    for (const { timer, isSubscribed } of this.#open) if (isSubscribed) clearTimeout(timer);
    const until = performance.now() + ENDS_WITHIN_MS;
    const isSettled = (): boolean =>
      [...this.#open].every((one) => one.isSubscribed && !one.isEnding);
    while (!isSettled() && performance.now() < until) await sleep(50);
    return this.#open.size;
  }

  async end(): Promise<void> {
    for (const one of this.#open) this.#leave(one);
    const until = performance.now() + ENDS_WITHIN_MS;
    while (this.#open.size > 0 && performance.now() < until) await sleep(50);
  }

  #turn(): void {
    const elapsedMs = performance.now() - this.#began;
    const due = Math.floor((elapsedMs / 1_000) * this.#options.perSecond);
    while (this.#counts.opened < due) {
      this.#come(this.#counts.opened);
      this.#counts.opened += 1;
    }
  }

  #come(index: number): void {
    const { url, member } = this.#options.of(index);
    const filters = { field: 'member', eq: member };
    const topics = ['twins', 'call-notifications'];
    const subscribe = JSON.stringify({ type: 'subscribe', id: 's', topics, filters });
    const socket = new RawSocket(url, aliasOf(index), {
      open: () => socket.send(subscribe),
      text: (message) => this.#heard(one, message),
      closed: () => {
        if (!one.isEnding) this.#counts.lost += 1;
        clearTimeout(one.timer);
        this.#open.delete(one);
      },
    });
    const one: One = { socket, subscribe, isSubscribed: false, isEnding: false };
    this.#open.add(one);
  }

  #heard(one: One, message: string): void {
    if (!message.startsWith('{"type":"subscribed"')) {
      if (message.startsWith('{"type":"error"')) this.#refused(one, message);
      else this.#counts.told += message.startsWith('{"type":"welcome"') ? 0 : 1;
      return;
    }
    one.isSubscribed = true;
    this.#counts.subscribed += 1;
    if (this.#holds) return;
    const lifeMs = LIFE_MS.min + Math.random() * (LIFE_MS.max - LIFE_MS.min);
    one.timer = setTimeout(() => this.#leave(one), lifeMs);
  }

  /** It asks again, as an app does. */
  #refused(one: One, message: string): void {
    this.#counts.refused += 1;
    process.stderr.write(`refused: ${message}\n`);
    one.timer = setTimeout(() => one.socket.send(one.subscribe), AGAIN_MS);
  }

  #leave(one: One): void {
    one.isEnding = true;
    if (this.#counts.subscribed % RESET_ONE_IN === 0) one.socket.reset();
    else one.socket.close();
  }
}
