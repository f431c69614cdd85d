import Bottleneck from 'bottleneck';
import PQueue from 'p-queue';
import { Flights, type Passenger } from '../../src/eligibility/broker/flights.ts';
import { BROKER_DEFAULTS } from '../../src/eligibility/broker/settings.ts';
import { SCHEDULER_DEFAULTS, Scheduler } from '../../src/eligibility/scheduler/index.ts';
import { Tree } from '../../src/eligibility/scheduler/tree.ts';
import { type Job, SLOTS } from './loads.ts';

/** How a call ended. */
export type Ended = 'answered' | 'failed' | 'throttled';

export interface End {
  readonly ended: Ended;
  /** It is not tried again. */
  readonly givenUp: boolean;
  readonly now: number;
}

/** What decides which check is called next. */
export interface Rival {
  readonly name: string;
  offer(job: Job, now: number): void;
  /** What starts now. */
  next(now: number): Job[];
  /** @returns whether the check is tried again by the rival itself */
  end(job: Job, how: End): boolean;
  /** When something may start by time alone. */
  wakeAt?(now: number): number | undefined;
  /** What has waited for too long, and is told so. */
  expired?(now: number): readonly Job[];
  /** Those who share the answer of this call. */
  sharers?(job: Job): readonly Job[];
  /** Lets what it has set off run. */
  settle?(): Promise<void>;
}

/** Slots taken one after the other, whoever it is. */
export function fifo(): Rival {
  const waiting: Job[] = [];
  let inUse = 0;
  let first = 0;
  return {
    name: 'FIFO',
    offer: (job) => void waiting.push(job),
    next() {
      const started = waiting.slice(first, first + SLOTS - inUse);
      first += started.length;
      inUse += started.length;
      return started;
    },
    end() {
      inUse -= 1;
      return false;
    },
  };
}

/** Each tenant has an equal part of the slots for itself. */
export function tenantCaps(tenants: number): Rival {
  const cap = Math.max(1, Math.floor(SLOTS / tenants));
  const waiting = new Map<string, { jobs: Job[]; first: number; inUse: number }>();
  const of = (tenant: string) => {
    const found = waiting.get(tenant) ?? { jobs: [], first: 0, inUse: 0 };
    waiting.set(tenant, found);
    return found;
  };
  return {
    name: 'per-tenant caps',
    offer: (job) => void of(job.tenant).jobs.push(job),
    next() {
      return [...waiting.values()].flatMap((one) => {
        const started = one.jobs.slice(one.first, one.first + cap - one.inUse);
        one.first += started.length;
        one.inUse += started.length;
        return started;
      });
    },
    end(job) {
      of(job.tenant).inUse -= 1;
      return false;
    },
  };
}

const PRIORITY = { live: 2, async: 1, batch: 0 } as const;

/** A queue of promises as it is sold: what it starts is told at once. */
class Promised {
  readonly #started: Job[] = [];
  readonly #ends = new Map<number, () => void>();

  run(job: Job): Promise<void> {
    this.#started.push(job);
    return new Promise((resolve) => this.#ends.set(job.id, resolve));
  }

  next(): Job[] {
    return this.#started.splice(0);
  }

  end({ id }: Job): boolean {
    this.#ends.get(id)?.();
    this.#ends.delete(id);
    return false;
  }
}

const TURNS = 3;
const TAKEN_IN_MAX = 20_000;

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise<void>((done) => setImmediate(done));
}

export function pQueue(): Rival {
  const queue = new PQueue({ concurrency: SLOTS });
  const jobs = new Promised();
  return {
    name: 'p-queue, priority',
    offer: (job) => void queue.add(() => jobs.run(job), { priority: PRIORITY[job.class] }),
    next: () => jobs.next(),
    end: (job) => jobs.end(job),
    settle: turns,
  };
}

/** @param tick lets timers that are due now run: it starts each job by one */
export function bottleneck(tick: () => void): Rival {
  const limiter = new Bottleneck({ maxConcurrent: SLOTS });
  const jobs = new Promised();
  return {
    name: 'Bottleneck, priority',
    offer: (job) => {
      void limiter.schedule({ priority: 5 - PRIORITY[job.class] }, () => jobs.run(job));
    },
    next: () => jobs.next(),
    end: (job) => jobs.end(job),
    async settle() {
      // What was handed over is taken in one by one.
      for (let turn = 0; turn < TAKEN_IN_MAX && limiter.counts().RECEIVED > 0; turn++) {
        await turns();
        tick();
      }
      for (let turn = 0; turn < TURNS; turn++) {
        await turns();
        tick();
      }
      await turns();
    },
  };
}

/** Round robin over class and tenant, one call a turn, whatever it takes. */
export function countDrr(): Rival {
  const settings = { ...SCHEDULER_DEFAULTS, quantumMs: 1, holdMsMax: 1_000 };
  const tree = new Tree(settings);
  const jobs = new Map<string, Job>();
  const all = { class: () => true, payer: () => true };
  let inUse = 0;
  return {
    name: 'count-DRR',
    offer(job, now) {
      jobs.set(String(job.id), job);
      tree.add(ticketOf(job, now));
    },
    next() {
      const started: Job[] = [];
      while (inUse < SLOTS) {
        const ticket = tree.take(all, () => 1);
        const job = ticket && jobs.get(ticket.id);
        if (ticket === undefined || job === undefined) break;
        tree.settle(ticket, 1, 1);
        inUse += 1;
        started.push(job);
      }
      return started;
    },
    end() {
      inUse -= 1;
      return false;
    },
  };
}

type Sharing = Passenger & { readonly job: Job };
interface JobFlight {
  readonly id: string;
  readonly key: string;
  class: Job['class'];
  calling: boolean;
  readonly passengers: Map<string, Sharing>;
}

/** What this product does: shares of slot-time, and one call for equal questions. */
export function ours(): Rival {
  const scheduler = new Scheduler({ ...SCHEDULER_DEFAULTS, slots: SLOTS });
  const flights = new Flights<JobFlight>();
  const calls = new Map<number, { readonly flight: JobFlight; tries: number }>();
  return {
    name: 'slot-time DRR (ours)',
    offer(job, now) {
      const id = String(job.id);
      const one = {
        checkId: id,
        dedupeKey: job.key,
        mode: 'DEFAULT',
        class: job.class,
        job,
      } as const;
      const shared = flights.sharedBy(one);
      if (shared !== undefined) return void flights.board(shared, one);
      const flight = { id, key: job.key, class: job.class, calling: false, passengers: new Map() };
      flights.add(flight);
      flights.board(flight, one);
      calls.set(job.id, { flight, tries: 0 });
      scheduler.requeue(ticketOf(job, now), now);
    },
    next(now) {
      return scheduler.next(now).flatMap(({ id }) => {
        const call = calls.get(Number(id));
        const job = call?.flight.passengers.get(id)?.job;
        if (call === undefined || job === undefined) return [];
        call.flight.calling = true;
        return [job];
      });
    },
    end(job, { ended, givenUp, now }) {
      const endings = {
        answered: 'answered',
        failed: 'payer-failed',
        throttled: 'throttled',
      } as const;
      scheduler.settle(String(job.id), endings[ended], now);
      if (ended === 'answered' || givenUp) return false;
      const call = calls.get(job.id);
      if (call !== undefined) call.flight.calling = false;
      scheduler.requeue(ticketOf(job, now), now);
      return true;
    },
    wakeAt: (now) => scheduler.wakeAt(now),
    expired: (now) =>
      scheduler.expire(now).flatMap(({ id }) => {
        const call = calls.get(Number(id));
        if (call === undefined) return [];
        flights.end(call.flight);
        return [...call.flight.passengers.values()].map((one) => one.job);
      }),
    sharers(job) {
      const call = calls.get(job.id);
      if (call === undefined) return [];
      flights.end(call.flight);
      return [...call.flight.passengers.values()].map((one) => one.job);
    },
  };
}

/** A check without an answer ends then (src/eligibility/broker/settings.ts). */
const LIFE_MS = BROKER_DEFAULTS.lifeMs;

function ticketOf({ id, class: one, tenant, payer, at }: Job, now: number) {
  const until = at + LIFE_MS[one];
  return { id: String(id), class: one, tenant, payer, since: Math.min(at, now), until };
}
