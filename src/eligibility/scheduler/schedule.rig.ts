import { Scheduler } from './scheduler.ts';
import type { Ending, SchedulerSettings, Ticket } from './types.ts';

/** One check of a schedule: when it comes, and what each call of it takes and gives. */
export interface Arrival {
  readonly at: number;
  readonly ticket: Omit<Ticket, 'id' | 'since'>;
  readonly calls: readonly { readonly ms: number; readonly ending: Ending }[];
}

export interface Trace {
  readonly refused: readonly string[];
  /** How each accepted check ended. */
  readonly ended: ReadonlyMap<string, 'answered' | 'failed' | 'expired'>;
  readonly startedAt: ReadonlyMap<string, number>;
  readonly inUseMax: number;
  /** Instants at which a slot stood idle though something that might take it waited. */
  readonly idle: readonly number[];
}

interface Running {
  readonly ticket: Ticket;
  readonly index: number;
  readonly ending: Ending;
  readonly since: number;
  readonly endsAt: number;
}

/** What a test looks at after each step. */
export type Watch = (now: number, running: readonly Running[], scheduler: Scheduler) => void;

const CALLS_MAX = 4;

/** Drives a scheduler through a schedule in virtual time, as the broker would. */
export class Simulation {
  readonly scheduler: Scheduler;
  readonly #arrivals: readonly Arrival[];
  readonly #watch: Watch;
  readonly #refused: string[] = [];
  readonly #ended = new Map<string, 'answered' | 'failed' | 'expired'>();
  readonly #startedAt = new Map<string, number>();
  readonly #calls = new Map<string, number>();
  readonly #idle: number[] = [];
  #running: Running[] = [];
  #inUseMax = 0;
  #next = 0;
  #now = 0;

  constructor(
    settings: SchedulerSettings,
    arrivals: readonly Arrival[],
    watch: Watch = () => undefined,
  ) {
    this.scheduler = new Scheduler(settings);
    this.#arrivals = arrivals.toSorted((a, b) => a.at - b.at);
    this.#watch = watch;
  }

  /** @param stop ends it early */
  run(stop: (now: number) => boolean = () => false): Trace {
    while (this.#step() && !stop(this.#now));
    return {
      ...{ refused: this.#refused, ended: this.#ended, startedAt: this.#startedAt },
      ...{ inUseMax: this.#inUseMax, idle: this.#idle },
    };
  }

  #step(): boolean {
    const ends = this.#running.map(({ endsAt }) => endsAt);
    const arrives = this.#arrivals[this.#next]?.at;
    const wakes = this.scheduler.wakeAt(this.#now);
    const waiting = this.#startsOrEnds();
    const all = [...ends, arrives, wakes, waiting].filter((at) => at !== undefined);
    if (all.length === 0) return false;
    this.#now = Math.max(this.#now, Math.min(...all));
    this.#end();
    this.#arrive();
    for (const { id } of this.scheduler.expire(this.#now)) this.#ended.set(id, 'expired');
    for (const ticket of this.scheduler.next(this.#now)) this.#start(ticket);
    this.#inUseMax = Math.max(this.#inUseMax, this.scheduler.inUse);
    if (this.scheduler.isIdle(this.#now)) this.#idle.push(this.#now);
    this.#watch(this.#now, this.#running, this.scheduler);
    return true;
  }

  /** Where only its own time may end what waits. */
  #startsOrEnds(): number | undefined {
    const untils = this.#arrivals
      .slice(0, this.#next)
      .map(({ ticket }) => ticket.until)
      .filter((until) => until > this.#now && Number.isFinite(until));
    return untils.length === 0 ? undefined : Math.min(...untils);
  }

  #arrive(): void {
    for (let one = this.#arrivals[this.#next]; one !== undefined && one.at <= this.#now; ) {
      const ticket = { ...one.ticket, id: String(this.#next), since: one.at };
      if (!this.scheduler.offer(ticket, this.#now).taken) this.#refused.push(ticket.id);
      this.#next += 1;
      one = this.#arrivals[this.#next];
    }
  }

  #start(ticket: Ticket): void {
    const index = this.#calls.get(ticket.id) ?? 0;
    this.#calls.set(ticket.id, index + 1);
    const { calls } = this.#arrivals[Number(ticket.id)] ?? { calls: [] };
    const { ms, ending } = calls[index % calls.length] ?? { ms: 0, ending: 'answered' };
    const endsAt = this.#now + (ending === 'throttled' ? 1 : ms);
    this.#running.push({ ticket, index, ending, since: this.#now, endsAt });
    if (!this.#startedAt.has(ticket.id)) this.#startedAt.set(ticket.id, this.#now);
  }

  #end(): void {
    const over = this.#running.filter(({ endsAt }) => endsAt <= this.#now);
    this.#running = this.#running.filter(({ endsAt }) => endsAt > this.#now);
    for (const { ticket, index, ending } of over) {
      this.scheduler.settle(ticket.id, ending, this.#now);
      if (ending === 'answered') this.#ended.set(ticket.id, 'answered');
      else if (index + 1 >= CALLS_MAX) this.#ended.set(ticket.id, 'failed');
      else this.scheduler.requeue(ticket, this.#now);
    }
  }
}
