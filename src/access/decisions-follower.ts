import type { Clock, Timer } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { RelationChange, Relationship } from '../twin/ports.ts';
import { relationKey } from './relations-text.ts';
import { isBookkeeping, mark, markSet } from './spicedb/bookkeeping.ts';
import type { CheckQuery, Consistency, Engine, WatchUpdate } from './spicedb/engine.ts';
import { schemaWords } from './spicedb/schema.ts';

/** Clocks of two instances may differ by this much (design §9, P1). */
const CLOCK_SKEW_MAX_MS = 1_000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 5_000;

export interface FollowerOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Committed by somebody, told by Watch; never bookkeeping, never an echo of `noteOwn`. */
  readonly onChanges: (changes: readonly RelationChange[]) => void;
  /** Watch began anew: all expiring relationships there are, but for keys told of since. */
  readonly onFresh: (expiring: readonly Relationship[], newer: ReadonlySet<string>) => void;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * What this instance knows of SpiceDB's newest revision, and how sure it may be.
 *
 * Watch tells of changes but is silent both when nothing changes and when it is broken. The
 * relations writer's heartbeat, numbered by its clock, tells these apart, and how far Watch lags.
 */
export class Follower {
  readonly #options: FollowerOptions;
  #newest: string | undefined;
  #lastBeatAtMs = Number.NEGATIVE_INFINITY;
  #offset = -1;
  /** Own writes that Watch has not told of yet: journal offset -> wall time when noted. */
  readonly #own = new Map<number, number>();
  #newer: Set<string> | undefined;
  #watch: { cancel(): void } | undefined;
  #retry: Timer | undefined;
  #stopped = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  get newest(): string {
    return this.#newest ?? '';
  }

  /** Whether Watch is alive and past all own writes: answers may be cached, and cached ones used. */
  get sure(): boolean {
    const silentMs = this.#options.clock.monotonic() - this.#lastBeatAtMs;
    return silentMs <= LIMITS.heartbeatSilenceMaxMs && this.#own.size === 0;
  }

  get consistency(): Consistency {
    if (!this.sure || this.#newest === undefined) return { kind: 'full' };
    return { kind: 'at-least', zedToken: this.#newest };
  }

  /**
   * An own write, with its journal offset. Until Watch is past it, every check is fully consistent.
   * Answers whether Watch has told of it already.
   */
  noteOwn(offset: number): boolean {
    if (this.#offset === offset) return true;
    this.#own.set(offset, this.#options.clock.now());
    return false;
  }

  async start(): Promise<void> {
    await this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
    this.#watch?.cancel();
  }

  /** Watch begins at a known revision, and only then is read what it will not repeat. */
  async #connect(): Promise<void> {
    const { engine, onFresh } = this.#options;
    const { zedToken } = await engine.check([ANY_QUESTION], { kind: 'full' });
    const newer = new Set<string>();
    this.#newer = newer;
    this.#newest = zedToken;
    this.#watch?.cancel();
    const watch = engine.watch(
      {
        onUpdate: (update) => this.#onUpdate(update),
        onEnd: (error) => this.#reconnect(error, RECONNECT_MIN_MS),
      },
      zedToken,
    );
    this.#watch = watch;
    const expiring: Relationship[] = [];
    for (const filter of EXPIRING) {
      const found = await engine.read(filter);
      expiring.push(...found.filter((one) => one.expiresAt !== undefined));
    }
    if (this.#watch !== watch) return;
    onFresh(expiring, newer);
    this.#newer = undefined;
  }

  #reconnect(error: unknown, delayMs: number): void {
    if (this.#stopped) return;
    this.#lastBeatAtMs = Number.NEGATIVE_INFINITY;
    this.#options.onTrouble(error);
    this.#retry?.cancel();
    this.#retry = this.#options.clock.after(delayMs, () => {
      this.#connect().catch((again: unknown) =>
        this.#reconnect(again, Math.min(delayMs * 2, RECONNECT_MAX_MS)),
      );
    });
  }

  #onUpdate({ changes, zedToken }: WatchUpdate): void {
    this.#newest = zedToken;
    const beat = markSet('heartbeat', changes);
    if (beat !== undefined) this.#onBeat(beat);
    const offset = markSet('offset', changes);
    if (offset !== undefined) this.#offset = offset;
    const told = changes.filter((change) => !isBookkeeping(change));
    for (const { relationship } of told) this.#newer?.add(relationKey(relationship));
    const echo = offset !== undefined && this.#own.delete(offset);
    if (told.length > 0 && !echo) this.#options.onChanges(told);
  }

  #onBeat(beat: number): void {
    const { clock } = this.#options;
    const lagMs = clock.now() - beat;
    if (lagMs <= LIMITS.heartbeatSilenceMaxMs + CLOCK_SKEW_MAX_MS) {
      this.#lastBeatAtMs = clock.monotonic();
    }
    // A beat written after an own write proves that Watch is past it.
    for (const [offset, notedAtMs] of this.#own) if (notedAtMs < beat) this.#own.delete(offset);
  }
}

/** Asked for the revision of its answer only. */
const { resource: object, relation: permission, subject } = mark('heartbeat', 0);
const ANY_QUESTION: CheckQuery = { subject, permission, object };

/** Every relation whose relationships may expire. */
const EXPIRING = [...schemaWords()].flatMap(([type, { relations }]) =>
  [...relations]
    .filter(([, rules]) => rules.some((rule) => rule.expiration !== 'never'))
    .map(([relation]) => ({ type, relation })),
);
