import type { Clock, Timer } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { RelationChange, Relationship } from '../twin/ports.ts';
import { SUSPENDED } from './decisions-suspended.ts';
import { relationKey } from './relations-text.ts';
import { isBookkeeping, mark, markFilter, markNumber, markSet } from './spicedb/bookkeeping.ts';
import type { CheckQuery, Consistency, Engine, WatchUpdate } from './spicedb/engine.ts';
import { schemaWords } from './spicedb/schema.ts';

/** Clocks of two instances may differ by this much (design §9, P1). */
const CLOCK_SKEW_MAX_MS = 1_000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 5_000;
/** A Watch that tells nothing for so long is opened anew: it may be a connection that is dead. */
const SILENCE_MAX_MS = 5_000;

/** All relationships there are that have to be known without being asked for. */
export interface Fresh {
  /** Those that end by themselves. */
  readonly expiring: readonly Relationship[];
  /** Clients that are suspended. */
  readonly suspended: readonly Relationship[];
}

export interface FollowerOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Committed by somebody, told by Watch; never bookkeeping, never an echo of `noteOwn`. */
  readonly onChanges: (changes: readonly RelationChange[]) => void;
  /** SpiceDB is at this offset of the journal; told after the changes that brought it there. */
  readonly onOffset: (offset: number) => void;
  /** Watch began anew: what it will not repeat, but for keys told of since. */
  readonly onFresh: (fresh: Fresh, newer: ReadonlySet<string>) => void;
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
  /**
   * The revision of the newest relation that was told. A heartbeat's is newer and says the same, and
   * SpiceDB would forget for it, twice a second, every part of a check that it remembers.
   */
  #newest: string | undefined;
  /** Up to where Watch has told, heartbeats included: from there it goes on. */
  #place: string | undefined;
  #lastBeatAtMs = Number.NEGATIVE_INFINITY;
  #offset = -1;
  /** Own writes that Watch has not told of yet: journal offset -> what is known of its batch. */
  readonly #own = new Map<number, 'whole batch' | 'part of it'>();
  /** Keys told of since Watch began anew, until what it will not repeat is read. */
  #newer: Set<string> | undefined;
  #watch: { cancel(): void } | undefined;
  /** Whether the present Watch has told anything: then it can go on where it ended. */
  #told = false;
  #silence: Timer | undefined;
  #retry: Timer | undefined;
  #retryMs = RECONNECT_MIN_MS;
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
   * Answers whether Watch has told of it already. Watch's own word of a whole batch that is known
   * is an echo.
   */
  noteOwn(offset: number, known: 'whole batch' | 'part of it'): boolean {
    if (this.#offset >= offset) return true;
    this.#own.set(offset, known);
    return false;
  }

  async start(): Promise<void> {
    await this.#begin();
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
    this.#silence?.cancel();
    this.#watch?.cancel();
  }

  /** Watch begins at a known revision, and only then is read what it will not repeat. */
  async #begin(): Promise<void> {
    const { engine, onFresh } = this.#options;
    const committed = [...this.#own.keys()];
    const newer = new Set<string>();
    this.#newer = newer;
    const { zedToken } = await engine.check([ANY_QUESTION], { kind: 'full' });
    for (const offset of committed) this.#own.delete(offset);
    this.#newest = zedToken;
    this.#place = zedToken;
    const watch = this.#open(zedToken);
    const expiring: Relationship[] = [];
    for (const filter of EXPIRING) {
      const found = await engine.read(filter);
      expiring.push(...found.filter((one) => one.expiresAt !== undefined));
    }
    const suspended = await engine.read(SUSPENDED);
    const [found] = await engine.read(markFilter('offset'));
    if (this.#watch !== watch) return;
    onFresh({ expiring, suspended }, newer);
    this.#newer = undefined;
    if (found !== undefined) this.#options.onOffset(markNumber(found));
  }

  #open(from: string): { cancel(): void } {
    this.#watch?.cancel();
    this.#told = false;
    const watch = this.#options.engine.watch(
      {
        onUpdate: (update) => this.#onUpdate(update),
        onEnd: (error) => this.#ended(error),
      },
      from,
    );
    this.#watch = watch;
    this.#awaitSign();
    return watch;
  }

  #awaitSign(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.clock.after(SILENCE_MAX_MS, () =>
      this.#reconnect(new Error(`Watch has told nothing for ${SILENCE_MAX_MS} ms`), this.#told),
    );
  }

  /**
   * SpiceDB ends each connection after a time, so that is no trouble yet: what came since is repeated.
   * How long this instance may be sure meanwhile the heartbeat says, as of any Watch that is silent.
   */
  #ended(error: Error): void {
    const ordinary = this.#told && this.#newer === undefined && !this.#stopped;
    if (ordinary && this.#place !== undefined) this.#open(this.#place);
    else this.#reconnect(error, this.#told);
  }

  /** Goes on where Watch ended: it repeats what came since. Where it cannot, it begins anew. */
  #reconnect(error: unknown, goOn: boolean): void {
    if (this.#stopped) return;
    const { clock, onTrouble } = this.#options;
    const from = goOn && this.#newer === undefined ? this.#place : undefined;
    this.#lastBeatAtMs = Number.NEGATIVE_INFINITY;
    this.#silence?.cancel();
    this.#watch?.cancel();
    onTrouble(error);
    this.#retry?.cancel();
    this.#retry = clock.after(this.#retryMs, () => {
      if (from === undefined) {
        this.#begin().catch((again: unknown) => this.#reconnect(again, false));
      } else this.#open(from);
    });
    this.#retryMs = Math.min(this.#retryMs * 2, RECONNECT_MAX_MS);
  }

  #onUpdate({ changes, zedToken }: WatchUpdate): void {
    this.#place = zedToken;
    const told = changes.filter((change) => !isBookkeeping(change));
    if (told.length > 0) this.#newest = zedToken;
    this.#told = true;
    this.#retryMs = RECONNECT_MIN_MS;
    this.#awaitSign();
    const beat = markSet('heartbeat', changes);
    if (beat !== undefined) this.#onBeat(beat);
    const offset = markSet('offset', changes);
    const echo = this.#passed(offset);
    for (const { relationship } of told) this.#newer?.add(relationKey(relationship));
    if (told.length > 0 && !echo) this.#options.onChanges(told);
    if (offset !== undefined) this.#options.onOffset(offset);
  }

  /** Watch is past every own write up to this offset; answers whether all of it was known. */
  #passed(offset: number | undefined): boolean {
    if (offset === undefined) return false;
    this.#offset = offset;
    const known = this.#own.get(offset);
    for (const own of this.#own.keys()) if (own <= offset) this.#own.delete(own);
    return known === 'whole batch';
  }

  #onBeat(beat: number): void {
    const { clock } = this.#options;
    const lagMs = clock.now() - beat;
    if (lagMs <= LIMITS.heartbeatSilenceMaxMs + CLOCK_SKEW_MAX_MS) {
      this.#lastBeatAtMs = clock.monotonic();
    }
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
