import { SlotLimit } from './limit.ts';
import { Payers } from './payers.ts';
import { type Allowed, Tree } from './tree.ts';
import {
  type CheckClass,
  CLASSES,
  type Ending,
  type Offered,
  type Refusal,
  type SchedulerSettings,
  type SchedulerStatus,
  type Ticket,
} from './types.ts';
import { expectedWaitMs } from './waits.ts';

interface Held {
  readonly payer: string;
  readonly class: CheckClass;
  readonly since: number;
  readonly chargedMs: number;
  /** Absent for a slot that somebody else began to hold. */
  readonly ticket?: Ticket;
}

/**
 * Who gets the next slot. It does nothing by itself and reads no clock: whoever drives it says what
 * came, what ended and what time it is, so that the same code runs in the broker and in simulations.
 * Never are more slots held than there are; no slot is idle while something waits that may take it.
 */
export class Scheduler {
  readonly #settings: SchedulerSettings;
  readonly #limit: SlotLimit;
  readonly #payers: Payers;
  readonly #tree: Tree;
  readonly #held = new Map<string, Held>();
  readonly #inUseBy: Record<CheckClass, number> = { live: 0, async: 0, batch: 0 };
  #liveAt = Number.NEGATIVE_INFINITY;
  #granted = 0;

  constructor(settings: SchedulerSettings) {
    this.#settings = settings;
    this.#limit = new SlotLimit(settings.slots, settings.recovery);
    this.#payers = new Payers(settings);
    this.#tree = new Tree(settings);
  }

  get inUse(): number {
    return this.#held.size;
  }

  /** Takes a check in, or refuses it at once, with how long it would have to wait. */
  offer(ticket: Ticket, now: number): Offered {
    const waitMs = this.expectedWaitMs(ticket.class, ticket.payer, now);
    const why = this.#refusal(ticket, waitMs);
    if (why !== undefined) return { taken: false, why, expectedWaitMs: waitMs };
    this.requeue(ticket, now);
    return { taken: true, expectedWaitMs: waitMs };
  }

  /** Takes in what was accepted before (a retry, a restart), however much waits. */
  requeue(ticket: Ticket, now: number): void {
    if (ticket.class === 'live') this.#liveAt = now;
    this.#tree.add(ticket);
    this.#payers.wait(ticket.payer, 1);
  }

  /** All that may start now; each holds a slot from here on, until it is settled. */
  next(now: number): Ticket[] {
    const granted: Ticket[] = [];
    for (let ticket = this.#take(now); ticket !== undefined; ticket = this.#take(now)) {
      granted.push(ticket);
    }
    return granted;
  }

  /** A call has ended, and so its slot is free. */
  settle(id: string, ending: Ending, now: number): void {
    const held = this.#release(id);
    if (held === undefined) return;
    const heldMs = Math.max(0, now - held.since);
    if (ending === 'throttled') this.#limit.refused(this.#held.size, now);
    if (ending === 'answered' || ending === 'payer-failed') {
      this.#payers.learn(held.payer, heldMs, ending === 'payer-failed', now);
    }
    if (held.ticket !== undefined) this.#tree.settle(held.ticket, held.chargedMs, heldMs);
  }

  /** A slot that somebody else began to hold (a former broker): free when it is settled. */
  hold(id: string, payer: string, one: CheckClass, now: number): void {
    if (this.#held.has(id)) return;
    this.#held.set(id, { payer, class: one, since: now, chargedMs: 0 });
    this.#inUseBy[one] += 1;
    this.#payers.begin(payer);
  }

  /** One that waits becomes another class's, in the place that its age gives it. */
  promote(ticket: Ticket, to: CheckClass, now: number): Ticket | undefined {
    if (!this.#tree.remove(ticket)) return undefined;
    this.#payers.wait(ticket.payer, -1);
    const promoted = { ...ticket, class: to };
    this.requeue(promoted, now);
    return promoted;
  }

  remove(ticket: Ticket): boolean {
    if (!this.#tree.remove(ticket)) return false;
    this.#payers.wait(ticket.payer, -1);
    return true;
  }

  /** Takes out what nobody has any use for any more. */
  expire(now: number): Ticket[] {
    const expired = this.#tree.expire(now);
    for (const ticket of expired) this.#payers.wait(ticket.payer, -1);
    return expired;
  }

  /** From now until its call would begin. */
  expectedWaitMs(one: CheckClass, payer: string, now: number): number {
    const slots = this.#limit.at(now);
    return expectedWaitMs({
      class: one,
      slots,
      free: Math.max(0, slots - this.#held.size),
      weights: this.#settings.weights,
      waitingMs: this.#byClass((one) => this.#tree.waiting(one) * this.#payers.meanMs),
      payer: { waiting: this.#payers.waiting(payer), cap: this.#payers.cap(slots) },
      callMs: this.#payers.estimateMs(payer),
    });
  }

  callMs(payer: string): number {
    return this.#payers.estimateMs(payer);
  }

  /** When something may start by time alone; nothing where only an ending can change anything. */
  wakeAt(now: number): number | undefined {
    const waiting = CLASSES.filter((one) => this.#tree.waiting(one) > 0);
    if (waiting.length === 0) return undefined;
    const reserve = this.#liveAt + this.#settings.liveWindowMs;
    const freed = waiting.some((one) => one !== 'live') ? reserve : now;
    const all = [freed, this.#limit.wakeAt() ?? now, ...this.#payers.wakeAts()];
    const later = all.filter((at) => at > now);
    return later.length === 0 ? undefined : Math.min(...later);
  }

  status(now: number): SchedulerStatus {
    const slots = this.#limit.at(now);
    const waiting = this.#byClass((one) => this.#tree.waiting(one));
    return {
      ...{ slots, slotsMax: this.#limit.max, inUse: this.#held.size },
      ...{ inUseBy: { ...this.#inUseBy }, waiting },
      payers: this.#payers.status(slots, now),
    };
  }

  /** Whether something waits that may start: never after `next`. */
  isIdle(now: number): boolean {
    return this.#held.size < this.#limit.at(now) && this.#tree.hasReady(this.#allowed(now));
  }

  #take(now: number): Ticket | undefined {
    if (this.#held.size >= this.#limit.at(now)) return undefined;
    const ticket = this.#choose(now);
    if (ticket === undefined) return undefined;
    this.#granted += 1;
    this.#payers.wait(ticket.payer, -1);
    const { id, payer } = ticket;
    const chargedMs = this.#payers.estimateMs(payer);
    this.#held.set(id, { payer, class: ticket.class, since: now, chargedMs, ticket });
    this.#inUseBy[ticket.class] += 1;
    this.#payers.begin(payer);
    return ticket;
  }

  #choose(now: number): Ticket | undefined {
    const allowed = this.#allowed(now);
    const costMs = (payer: string): number => this.#payers.estimateMs(payer);
    if ((this.#granted + 1) % this.#settings.agedEvery === 0) {
      const { ageMs } = this.#settings;
      const before = this.#byClass((one) => now - ageMs[one]);
      const oldest = this.#tree.takeOldest(allowed, before, costMs);
      if (oldest !== undefined) return oldest;
    }
    return this.#tree.take(allowed, costMs);
  }

  #allowed(now: number): Allowed {
    const slots = this.#limit.at(now);
    const others = this.#held.size - this.#inUseBy.live;
    const forOthers = others < slots - this.#reserved(slots, now);
    return {
      class: (one) => one === 'live' || forOthers,
      payer: (payer) => this.#payers.admits(payer, slots, now),
    };
  }

  /** Kept for live checks while there have been any lately; else nothing stands idle. */
  #reserved(slots: number, now: number): number {
    const { liveShare, liveWindowMs } = this.#settings;
    if (now - this.#liveAt >= liveWindowMs) return 0;
    return Math.min(slots - 1, Math.ceil(slots * liveShare));
  }

  #refusal({ class: one, tenant }: Ticket, waitMs: number): Refusal | undefined {
    const { waitingMax, tenantWaitingMax, waitMsMax } = this.#settings;
    if (this.#tree.waiting(one) >= waitingMax[one]) return 'full';
    if (this.#tree.waitingOf(one, tenant) >= tenantWaitingMax) return 'tenant-full';
    return waitMs > waitMsMax[one] ? 'too-long' : undefined;
  }

  #byClass(of: (one: CheckClass) => number): Record<CheckClass, number> {
    return { live: of('live'), async: of('async'), batch: of('batch') };
  }

  #release(id: string): Held | undefined {
    const held = this.#held.get(id);
    if (held === undefined) return undefined;
    this.#held.delete(id);
    this.#inUseBy[held.class] -= 1;
    this.#payers.end(held.payer);
    return held;
  }
}
