/** For the tests of this room: a clock moved by hand, a journal in memory, an engine that fails. */

import type { Clock } from '../kernel/clock.ts';
import type { Principal, RelationChange, RelationJournal } from '../twin/ports.ts';
import { parseRelation } from './relations-text.ts';
import type { Engine, WatchUpdate } from './spicedb/engine.ts';

export class ManualClock implements Clock {
  #atMs = Date.now();
  #timers = new Set<{ dueMs: number; task: () => void }>();

  now(): number {
    return this.#atMs;
  }

  monotonic(): number {
    return this.#atMs;
  }

  after(delayMs: number, task: () => void) {
    const timer = { dueMs: this.#atMs + Math.max(0, delayMs), task };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Runs what falls due, in order, at its own time. */
  advance(ms: number): void {
    const untilMs = this.#atMs + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.dueMs <= untilMs);
      const next = due.sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#atMs = Math.max(this.#atMs, next.dueMs);
      next.task();
    }
    this.#atMs = untilMs;
  }
}

export class MemoryJournal implements RelationJournal {
  readonly entries: { offset: number; change: RelationChange; actor: string }[] = [];
  readonly #listeners = new Set<() => void>();

  async append(changes: readonly RelationChange[], actor: string): Promise<number> {
    for (const change of changes) {
      this.entries.push({ offset: this.entries.length, change, actor });
    }
    for (const listener of this.#listeners) listener();
    return this.entries.length - 1;
  }

  async read(offset: number, limit: number) {
    return this.entries.slice(offset, offset + limit);
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

type Outage = 'fails' | 'hangs' | 'answer lost';

/** An engine with switches; closing it leaves the real one open. */
export class RiggedEngine implements Engine {
  readonly asked: { consistency: string; questions: number }[] = [];
  check_?: Outage | undefined;
  read_?: Outage | undefined;
  write_?: Outage | undefined;
  /** Runs between the real answer to a check and its delivery. */
  beforeAnswer: (() => Promise<void>) | undefined;
  /** Runs between the real answer to a look-up and its delivery. */
  beforeFound: (() => Promise<void>) | undefined;
  /** Updates that Watch told, kept back until `release`. */
  #kept: (() => void)[] | undefined;
  readonly #real: Engine;

  constructor(real: Engine) {
    this.#real = real;
  }

  check: Engine['check'] = async (items, consistency) => {
    await outage(this.check_);
    this.asked.push({ consistency: consistency.kind, questions: items.length });
    const answers = await this.#real.check(items, consistency);
    const between = this.beforeAnswer;
    this.beforeAnswer = undefined;
    await between?.();
    return answers;
  };

  write: Engine['write'] = async (changes, preconditions) => {
    if (this.write_ !== 'answer lost') await outage(this.write_);
    const zedToken = await this.#real.write(changes, preconditions);
    if (this.write_ === 'answer lost') throw new Error('the answer was lost');
    return zedToken;
  };

  lookupResources: Engine['lookupResources'] = async (query, consistency) => {
    const page = await this.#real.lookupResources(query, consistency);
    const between = this.beforeFound;
    this.beforeFound = undefined;
    await between?.();
    return page;
  };

  read: Engine['read'] = async (filter) => {
    await outage(this.read_);
    return this.#real.read(filter);
  };

  watch: Engine['watch'] = (listener, from) => {
    let muted = false;
    this.muteWatch = () => {
      muted = true;
    };
    const onUpdate = (update: WatchUpdate): void => {
      if (muted) return;
      const tell = (): void => listener.onUpdate(update);
      if (this.#kept === undefined) tell();
      else this.#kept.push(tell);
    };
    const watch = this.#real.watch({ onUpdate, onEnd: (error) => listener.onEnd(error) }, from);
    this.endWatch = () => {
      watch.cancel();
      listener.onEnd(new Error('SpiceDB ended the stream'));
    };
    return watch;
  };

  /** Ends the newest Watch stream as SpiceDB would. */
  endWatch = (): void => undefined;

  /** The newest Watch stream stays open, and tells nothing more. */
  muteWatch = (): void => undefined;

  get kept(): number {
    return this.#kept?.length ?? 0;
  }

  keepWatchBack(): void {
    this.#kept = [];
  }

  releaseWatch(): void {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const tell of kept) tell();
  }

  async close(): Promise<void> {}
}

async function outage(kind: Outage | undefined): Promise<void> {
  if (kind === 'hangs') await new Promise(() => undefined);
  if (kind !== undefined) throw new Error('SpiceDB is away');
}

export function touch(text: string): RelationChange {
  return { operation: 'touch', relationship: parseRelation(text) };
}

export function remove(text: string): RelationChange {
  return { operation: 'delete', relationship: parseRelation(text) };
}

export function principal(subject: string, more: Partial<Principal> = {}): Principal {
  return {
    kind: 'user',
    subject,
    tenant: 'demo',
    clientId: 'test',
    scopes: new Set(),
    issuer: 'test',
    tokenId: 'token',
    expiresAtMs: Number.MAX_SAFE_INTEGER,
    ...more,
  };
}

/** Waits until it holds, as real threads answer in their own time. */
export async function until(holds: () => boolean): Promise<void> {
  const giveUpAtMs = Date.now() + 4_000;
  while (!holds()) {
    if (Date.now() > giveUpAtMs) throw new Error('it never came to hold');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
