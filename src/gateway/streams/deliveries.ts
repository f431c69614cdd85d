import type { Clock } from '../../kernel/clock.ts';
import type { Principal } from '../../twin/ports.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { Delivery, Framed, Rights, Told } from '../ports.ts';
import { CALL_NAMES } from '../protocols/pusher/events.ts';
import { isTooLate } from '../protocols/pusher/replay.ts';
import type { Joined } from './joined.ts';

/** Deliveries that are checked and audited together. */
const BATCH_MAX = 1_000;

export interface Due {
  readonly joined: Joined;
  readonly told: Told;
}

export interface DeliveriesParts {
  readonly rights: Rights;
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly report: (error: unknown) => void;
  /** Counts changes of access. */
  readonly accessVersion: () => number;
}

/**
 * From an entry to the sockets: may they know, one durable audit record for all of them, once more
 * where access changed meanwhile, then each connection's own queue. In order for each subscription.
 */
export class Deliveries {
  readonly #parts: DeliveriesParts;
  #queue: Due[] = [];
  #running = false;
  /** The batch that is audited and handed on; never rejects. */
  #handing: Promise<unknown> = Promise.resolve();

  constructor(parts: DeliveriesParts) {
    this.#parts = parts;
  }

  add(due: readonly Due[]): void {
    for (const one of due) this.#queue.push(one);
    if (this.#queue.length > 0) void this.#run();
  }

  /** Resolves when everything added so far was handed on. */
  async settled(): Promise<void> {
    while (this.#running) await this.#handing.then(() => new Promise(setImmediate));
  }

  /** One batch is checked while the one before it is audited. */
  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, BATCH_MAX);
      this.#queue = this.#queue.slice(BATCH_MAX);
      const version = this.#parts.accessVersion();
      const allowed = await this.#orSentAway(batch, this.#allowed(batch));
      await this.#handing;
      if (allowed === undefined) continue;
      this.#handing = this.#orSentAway(allowed, this.#hand(allowed, version));
      if (this.#queue.length === 0) await this.#handing;
    }
    this.#running = false;
  }

  /** What they may know cannot be told for sure: whoever comes again is told what they missed. */
  async #orSentAway<T>(batch: readonly Due[], step: Promise<T>): Promise<T | undefined> {
    try {
      return await step;
    } catch (error) {
      this.#parts.report(error);
      for (const { joined } of batch) {
        this.#parts.metrics.dropped('unverifiable');
        joined.subscriber.unverifiable();
      }
      return undefined;
    }
  }

  async #allowed(batch: readonly Due[]): Promise<readonly Due[]> {
    const live = batch.filter((due) => this.#isOpen(due));
    const byPrincipal = new Map<Principal, Due[]>();
    const allowed = new Set<Due>();
    for (const due of live) {
      const { principal } = due.joined.subscriber;
      if (principal === undefined) allowed.add(due);
      else byPrincipal.set(principal, [...(byPrincipal.get(principal) ?? []), due]);
    }
    const rounds = [...byPrincipal].map(async ([principal, own]) => {
      const events = own.map(({ told }) => told.entry.event);
      const answers = await this.#parts.rights.mayKnow(principal, events);
      for (const [index, due] of own.entries()) {
        if (answers[index] === true) allowed.add(due);
        else this.#parts.metrics.dropped('not_readable');
      }
    });
    await Promise.all(rounds);
    const known = live.filter((due) => allowed.has(due));
    const late = known.filter((due) => this.#isLate(due));
    if (late.length === 0) return known;
    for (const _ of late) this.#parts.metrics.dropped('expired');
    await this.#parts.rights.withheld(late.flatMap(deliveryOf));
    const isLate = new Set(late);
    return known.filter((due) => !isLate.has(due));
  }

  /** The timer that ends a connection with its token may be late; its expiry is not. */
  #isOpen({ joined }: Due): boolean {
    const { connection, principal } = joined.subscriber;
    if (joined.closed || !connection.isOpen) return false;
    return principal === undefined || principal.expiresAtMs > this.#parts.clock.now();
  }

  /** A call that was asked for too long ago never rings, whichever face would tell it. */
  #isLate({ told }: Due): boolean {
    const { event } = told.entry;
    const name = Object.hasOwn(CALL_NAMES, event.type) ? CALL_NAMES[event.type] : undefined;
    return isTooLate(event, name ?? '', this.#parts.clock.now());
  }

  async #hand(allowed: readonly Due[], version: number): Promise<void> {
    const checked = allowed.flatMap(deliveryOf);
    if (checked.length > 0) await this.#parts.rights.told(checked);
    const framed = await Promise.all(allowed.map((due) => this.#framed(due)));
    const isStale = this.#parts.accessVersion() !== version;
    const still = isStale ? new Set(await this.#allowed(allowed)) : undefined;
    for (const [index, due] of allowed.entries()) {
      const frame = framed[index];
      if (frame === undefined || !this.#isOpen(due)) continue;
      if (still !== undefined && !still.has(due)) continue;
      this.#send(due, frame);
    }
  }

  async #framed({ joined, told }: Due): Promise<Framed | undefined> {
    try {
      return await joined.subscriber.frame(told);
    } catch (error) {
      this.#parts.report(error);
      joined.subscriber.unverifiable();
      return undefined;
    }
  }

  #send({ joined, told }: Due, framed: Framed): void {
    const { event } = told.entry;
    const tag = event.needs === undefined ? undefined : joined.tagOf(event.needs);
    const how = { eventType: event.type, ...framed, ...(tag !== undefined && { tag }) };
    const sent = joined.subscriber.connection.send(framed.message, how);
    if (!sent || told.replayed) return;
    this.#parts.metrics.delivered((this.#parts.clock.now() - Date.parse(event.time)) / 1_000);
  }
}

/** Of somebody; an app's own channels have nobody. */
function deliveryOf({ joined, told }: Due): Delivery[] {
  const { principal, connection } = joined.subscriber;
  const { event } = told.entry;
  return principal === undefined ? [] : [{ principal, connection: connection.id, event }];
}
