import type { Clock, Timer } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/errors.ts';
import type { Service } from '../../../kernel/lifecycle.ts';
import { LIMITS } from '../../../kernel/limits.ts';
import type { KeySource, TrustedKey } from '../trusted-keys.ts';
import { discover, type IssuerMetadata } from './discovery.ts';
import { type AskIssuer, askIssuer, IssuerWrong, NoKeys } from './fetch-json.ts';
import { type PublishedKey, publishedKeys } from './published-keys.ts';

export interface IssuerKeysOptions {
  readonly issuer: string;
  readonly clock: Clock;
  /** Told once when keys cannot be had, and not again until they could. */
  readonly report: (error: unknown) => void;
  readonly ask?: AskIssuer;
}

export interface IssuerState {
  readonly known: number;
  /** Whether the issuer answered when it was asked last. */
  readonly answers: boolean;
}

/** Between two tries in the background while the issuer gives no keys. */
const RETRY_MS = 30_000;

/**
 * The keys of a company's issuer (fault F10). They are read anew every five minutes, so a key that
 * the issuer takes back counts for that long and no longer; while the issuer cannot be asked, the
 * known ones go on for an hour. A token that names an unknown key has the issuer asked at once, but
 * not more often than every ten seconds, whoever sends such tokens. What cannot be known is a fault
 * of ours (503), never a token's.
 */
export class IssuerKeys implements KeySource, Service {
  readonly name = 'issuer';
  readonly #options: IssuerKeysOptions;
  readonly #ask: AskIssuer;
  #metadata: IssuerMetadata | undefined;
  #keys: ReadonlyMap<string, PublishedKey> = new Map();
  /** When the issuer last gave keys, and when it was last asked; monotonic milliseconds. */
  #givenAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #answers = true;
  #asking: Promise<void> | undefined;
  #next: Timer | undefined;
  #stopped = false;
  readonly #onRetired = new Set<(key: TrustedKey) => void>();

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
    this.#ask = options.ask ?? askIssuer;
  }

  get state(): IssuerState {
    return { known: this.#areKept() ? this.#keys.size : 0, answers: this.#answers };
  }

  /** Begins also while the issuer is away: until it is back every token is answered with 503. */
  async start(): Promise<void> {
    await this.#refresh();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#next?.cancel();
    return Promise.resolve();
  }

  async find(kid: string): Promise<TrustedKey | undefined> {
    // A process that stood still has missed its own timer.
    if (this.#answers && this.#age() > 2 * LIMITS.foreignIssuer.refreshMs) await this.#refresh();
    const known = this.#known(kid);
    if (known !== undefined) return known;
    if (this.#asking !== undefined || this.#hasCooled()) await this.#refresh();
    const found = this.#known(kid);
    if (found === undefined && (!this.#answers || !this.#areKept())) {
      throw new Fault('ISSUER_UNAVAILABLE');
    }
    return found;
  }

  onRetired(listener: (key: TrustedKey) => void): void {
    this.#onRetired.add(listener);
  }

  #known(kid: string): TrustedKey | undefined {
    return this.#areKept() ? this.#keys.get(kid)?.trusted : undefined;
  }

  #age(): number {
    return this.#options.clock.monotonic() - this.#givenAt;
  }

  #areKept(): boolean {
    return this.#age() <= LIMITS.foreignIssuer.keepMs;
  }

  #hasCooled(): boolean {
    return this.#options.clock.monotonic() - this.#askedAt >= LIMITS.foreignIssuer.coolDownMs;
  }

  /** One at a time, whoever asks; never fails: `#answers` says how it went. */
  #refresh(): Promise<void> {
    this.#asking ??= this.#load().finally(() => {
      this.#asking = undefined;
      this.#askedAt = this.#options.clock.monotonic();
      this.#plan();
    });
    return this.#asking;
  }

  #plan(): void {
    this.#next?.cancel();
    if (this.#stopped) return;
    const delayMs = this.#answers ? LIMITS.foreignIssuer.refreshMs : RETRY_MS;
    this.#next = this.#options.clock.after(delayMs, () => void this.#refresh());
  }

  async #load(): Promise<void> {
    try {
      this.#metadata ??= await discover(this.#options.issuer, this.#ask);
      const { json, status } = await this.#ask(this.#metadata.jwksUri);
      if (status !== 200) throw new IssuerWrong(`answers ${status} for its keys`, 'see its log');
      this.#take(await publishedKeys(json));
      this.#answers = true;
    } catch (error) {
      // Its keys may have moved: next time it is asked where they are.
      this.#metadata = undefined;
      if (error instanceof NoKeys) this.#replace(new Map());
      if (this.#answers) this.#options.report(error);
      this.#answers = false;
    }
  }

  /** A key that stays is the same object, so that what was verified with it stays verified. */
  #take(published: ReadonlyMap<string, PublishedKey>): void {
    const kept = [...published].map(([kid, key]) => {
      const before = this.#keys.get(kid);
      return [kid, before?.thumbprint === key.thumbprint ? before : key] as const;
    });
    this.#replace(new Map(kept));
    this.#givenAt = this.#options.clock.monotonic();
  }

  #replace(keys: ReadonlyMap<string, PublishedKey>): void {
    const before = this.#keys;
    this.#keys = keys;
    for (const [kid, { trusted }] of before) {
      if (keys.get(kid)?.trusted === trusted) continue;
      for (const listener of this.#onRetired) listener(trusted);
    }
  }
}
