import type { Clock, Timer } from '../../../../kernel/clock.ts';
import type { Service } from '../../../../kernel/lifecycle.ts';
import type { PusherApp } from '../apps.ts';
import type { WebhookEvent, WebhookSink } from '../parts.ts';
import type { Post } from './post.ts';

/** Events that go together, and how long the first of them waits for others. */
const BATCH_MAX = 50;
const GATHER_MS = 100;
/** Events that wait for one address; then the newest are left out. */
const WAITING_MAX = 1_000;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** How long one that is not taken is tried again. */
const KEEP_MS = 5 * 60_000;

export interface WebhookSenderParts {
  readonly post: Post;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
}

/** Webhooks of all apps; each address has a queue of its own, so that a slow one delays nobody else. */
export class WebhookSender implements WebhookSink, Service {
  readonly name = 'pusher-webhooks';
  readonly #parts: WebhookSenderParts;
  readonly #queues = new Map<string, Queue>();

  constructor(parts: WebhookSenderParts) {
    this.#parts = parts;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const queue of this.#queues.values()) queue.stop();
    return Promise.resolve();
  }

  tell(app: PusherApp, event: WebhookEvent): void {
    for (const url of app.webhooks) {
      const key = `${app.id} ${url}`;
      const queue = this.#queues.get(key) ?? new Queue(this.#parts, app, url);
      this.#queues.set(key, queue);
      queue.add(event);
    }
  }
}

interface Waiting {
  readonly event: WebhookEvent;
  /** Milliseconds of the monotonic clock. */
  readonly since: number;
}

class Queue {
  readonly #parts: WebhookSenderParts;
  readonly #app: PusherApp;
  readonly #url: string;
  #waiting: Waiting[] = [];
  #timer: Timer | undefined;
  #busy = false;
  #retryMs = RETRY_MIN_MS;
  #stopped = false;
  #said = false;

  constructor(parts: WebhookSenderParts, app: PusherApp, url: string) {
    this.#parts = parts;
    this.#app = app;
    this.#url = url;
  }

  add(event: WebhookEvent): void {
    const isFull = this.#waiting.length >= WAITING_MAX;
    if (isFull) this.#leftOut();
    else this.#waiting.push({ event, since: this.#parts.clock.monotonic() });
    if (!this.#busy) this.#later(GATHER_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #later(ms: number): void {
    if (this.#stopped) return;
    this.#timer ??= this.#parts.clock.after(ms, () => {
      this.#timer = undefined;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const batch = this.#waiting.slice(0, BATCH_MAX);
    const { clock, post } = this.#parts;
    const events = batch.map(({ event }) => event);
    const body = JSON.stringify({ time_ms: clock.now(), events });
    let waitMs = 0;
    try {
      await post(this.#url, this.#app, body);
      this.#waiting.splice(0, batch.length);
      this.#retryMs = RETRY_MIN_MS;
      this.#said = false;
    } catch (error) {
      waitMs = this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
      this.#tooOld(error);
    }
    this.#busy = false;
    if (this.#waiting.length > 0) this.#later(waitMs);
  }

  #tooOld(error: unknown): void {
    const now = this.#parts.clock.monotonic();
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter(({ since }) => now - since < KEEP_MS);
    if (this.#waiting.length < before) this.#leftOut(error);
  }

  /** Once an outage, and not once an event. */
  #leftOut(cause?: unknown): void {
    if (!this.#said) this.#parts.report(new Error('webhooks are left out', { cause }));
    this.#said = true;
  }
}
