import type { CheckClass } from '../../src/eligibility/scheduler/index.ts';
import { percentile } from '../harness.ts';
import { type Job, type Load, SLOTS } from './loads.ts';
import type { Ended, Rival } from './rivals.ts';

export interface Measured {
  readonly rival: string;
  readonly load: string;
  /** From 1/n to 1, over tenants: what each got of what it wanted and was due. */
  readonly jain: number;
  /** From coming to the call's beginning, seconds, p50, p95, p99, by class. */
  readonly wait: Readonly<Partial<Record<CheckClass, readonly [number, number, number]>>>;
  /** From coming to the answer, seconds, p95, of people. */
  readonly liveAnswerP95: number;
  /** Of the slots there were, while something waited all the time. */
  readonly utilisation: number;
  readonly calls: number;
  readonly saved: number;
  /** Calls that the clearinghouse refused. */
  readonly overLimit: number;
  readonly minutes: number;
}

interface Running {
  readonly job: Job;
  readonly endsAt: number;
  readonly ended: Ended;
}

/** A rival that does not know of refusals tries them again after so long. */
const NAIVE_RETRY_MS = 1_000;
const NAIVE_TRIES = 3;
/** A refused call takes one way there and back. */
const THROTTLED_MS = 100;
/** Fairness is looked at while it matters: later everybody has got everything. */
const FAIR_MS = 10 * 60_000;

/** One load under one rival, in virtual time. */
export async function simulate(load: Load, rival: Rival): Promise<Measured> {
  const run = new Run(load, rival);
  while (await run.step());
  return run.measured();
}

class Run {
  readonly #load: Load;
  readonly #rival: Rival;
  readonly #started = new Map<number, number>();
  readonly #answered = new Map<number, number>();
  readonly #held = new Map<string, number>();
  readonly #retries: { readonly at: number; readonly job: Job }[] = [];
  readonly #tries = new Map<number, number>();
  #running: Running[] = [];
  #next = 0;
  #now = 0;
  #waiting = 0;
  #calls = 0;
  #saved = 0;
  #overLimit = 0;
  #busyMs = 0;
  #saturatedMs = 0;

  constructor(load: Load, rival: Rival) {
    this.#load = load;
    this.#rival = rival;
  }

  async step(): Promise<boolean> {
    const arrives = this.#load.jobs[this.#next]?.at;
    const wakes = this.#rival.wakeAt?.(this.#now);
    const ends = this.#running.map(({ endsAt }) => endsAt);
    const retries = this.#retries.map(({ at }) => at);
    const all = [arrives, wakes, ...ends, ...retries].filter((at) => at !== undefined);
    if (all.length === 0) return false;
    this.#pass(Math.max(this.#now, Math.min(...all)));
    this.#end();
    this.#arrive();
    for (const job of this.#rival.expired?.(this.#now) ?? []) this.#answered.set(job.id, this.#now);
    await this.#rival.settle?.();
    for (const job of this.#rival.next(this.#now)) this.#start(job);
    return true;
  }

  /** Saturated while more wait than there are slots. */
  #pass(to: number): void {
    const ms = to - this.#now;
    const slots = this.#load.slotsAt(this.#now);
    if (this.#waiting > SLOTS) {
      this.#saturatedMs += ms * slots;
      this.#busyMs += ms * Math.min(this.#running.length, slots);
    }
    if (to <= FAIR_MS) {
      for (const { job } of this.#running) {
        this.#held.set(job.tenant, (this.#held.get(job.tenant) ?? 0) + ms);
      }
    }
    this.#now = to;
  }

  /** What waits for a payer that does not answer saturates nothing. */
  #wait({ fails }: Job, by: 1 | -1): void {
    if (!fails) this.#waiting += by;
  }

  #start(job: Job): void {
    this.#calls += 1;
    this.#wait(job, -1);
    if (!this.#started.has(job.id)) this.#started.set(job.id, this.#now);
    const open = this.#running.filter(({ ended }) => ended !== 'throttled').length;
    const isOver = open >= this.#load.slotsAt(this.#now);
    if (isOver) this.#overLimit += 1;
    const ended = isOver ? 'throttled' : job.fails ? 'failed' : 'answered';
    const endsAt = this.#now + (isOver ? THROTTLED_MS : job.ms);
    this.#running.push({ job, endsAt, ended });
  }

  #end(): void {
    const over = this.#running.filter(({ endsAt }) => endsAt <= this.#now);
    this.#running = this.#running.filter(({ endsAt }) => endsAt > this.#now);
    for (const { job, ended } of over) {
      const tries = (this.#tries.get(job.id) ?? 0) + (ended === 'throttled' ? 0 : 1);
      this.#tries.set(job.id, tries);
      const givenUp = ended === 'failed' && tries >= NAIVE_TRIES;
      const again = this.#rival.end(job, { ended, givenUp, now: this.#now });
      if (again) this.#wait(job, 1);
      else if (ended === 'answered' || givenUp) this.#answer(job);
      else this.#retries.push({ at: this.#now + NAIVE_RETRY_MS, job });
    }
  }

  #answer(job: Job): void {
    const sharers = this.#rival.sharers?.(job) ?? [job];
    for (const one of sharers) {
      this.#answered.set(one.id, this.#now);
      if (one === job) continue;
      this.#saved += 1;
      if (!this.#started.has(one.id)) {
        this.#started.set(one.id, Math.max(one.at, this.#started.get(job.id) ?? one.at));
        this.#wait(one, -1);
      }
    }
  }

  #arrive(): void {
    for (let job = this.#load.jobs[this.#next]; job !== undefined && job.at <= this.#now; ) {
      this.#rival.offer(job, this.#now);
      this.#wait(job, 1);
      this.#next += 1;
      job = this.#load.jobs[this.#next];
    }
    const due = this.#retries.filter(({ at }) => at <= this.#now);
    for (const one of due) {
      this.#retries.splice(this.#retries.indexOf(one), 1);
      this.#rival.offer(one.job, this.#now);
      this.#wait(one.job, 1);
    }
  }

  measured(): Measured {
    const { jobs, name } = this.#load;
    const waits = (one: CheckClass): number[] =>
      jobs
        .filter((job) => job.class === one)
        .map((job) => ((this.#started.get(job.id) ?? Number.NaN) - job.at) / 1_000);
    const three = (one: CheckClass) => {
      const all = waits(one);
      const at = (p: number): number => percentile(all, p);
      return all.length === 0 ? {} : { [one]: [at(50), at(95), at(99)] as const };
    };
    const live = jobs.filter((job) => job.class === 'live');
    const answers = live.map(
      (job) => ((this.#answered.get(job.id) ?? Number.NaN) - job.at) / 1_000,
    );
    return {
      ...{ rival: this.#rival.name, load: name, jain: this.#jain() },
      wait: { ...three('live'), ...three('async'), ...three('batch') },
      liveAnswerP95: percentile(answers, 95),
      utilisation: this.#saturatedMs === 0 ? Number.NaN : this.#busyMs / this.#saturatedMs,
      ...{ calls: this.#calls, saved: this.#saved, overLimit: this.#overLimit },
      minutes: this.#now / 60_000,
    };
  }

  /**
   * Jain 1984, over what each tenant got in the first ten minutes, of what max-min fairness gives it
   * of the same slot-time: who wants less than an equal part gets it whole.
   */
  #jain(): number {
    const wanted = new Map<string, number>();
    for (const { tenant, at, ms } of this.#load.jobs) {
      if (at <= FAIR_MS) wanted.set(tenant, (wanted.get(tenant) ?? 0) + ms);
    }
    const got = [...this.#held.values()].reduce((total, ms) => total + ms, 0);
    const due = maxMin(wanted, got);
    const rates = [...due].map(([tenant, ms]) => Math.min(1, (this.#held.get(tenant) ?? 0) / ms));
    const sum = rates.reduce((total, rate) => total + rate, 0);
    const squares = rates.reduce((total, rate) => total + rate * rate, 0);
    return rates.length === 0 ? Number.NaN : (sum * sum) / (rates.length * squares);
  }
}

function maxMin(wanted: ReadonlyMap<string, number>, total: number): Map<string, number> {
  const due = new Map<string, number>();
  const byWant = [...wanted].toSorted(([, a], [, b]) => a - b);
  let left = total;
  for (const [index, [tenant, want]] of byWant.entries()) {
    const ms = Math.min(want, left / (byWant.length - index));
    due.set(tenant, ms);
    left -= ms;
  }
  return due;
}
