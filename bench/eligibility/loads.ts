import type { CheckClass } from '../../src/eligibility/scheduler/index.ts';
import { delayOf, type Profile } from '../../src/eligibility/simulator/latency.ts';
import { seeded } from '../../src/eligibility/simulator/random.ts';

/** One check of a load: when it comes, whose it is, and how long its payer takes. Milliseconds. */
export interface Job {
  readonly id: number;
  readonly at: number;
  readonly class: CheckClass;
  readonly tenant: string;
  readonly payer: string;
  /** Equal for equal questions. */
  readonly key: string;
  readonly ms: number;
  /** The payer does not answer: quickly (AAA 42), or by a stall. */
  readonly fails: boolean;
}

export interface Load {
  readonly name: string;
  readonly jobs: readonly Job[];
  /** What the clearinghouse really takes at an instant. */
  readonly slotsAt: (at: number) => number;
}

export const SLOTS = 15;
const MINUTE = 60_000;
const PAYERS = Array.from({ length: 8 }, (_, index) => `SIM${index + 1}`);

type Draw = Omit<Job, 'id' | 'ms' | 'fails' | 'key' | 'payer'> & {
  readonly payer?: string;
  readonly key?: string;
  readonly profile?: Profile;
};

class Jobs {
  readonly #random: () => number;
  readonly #jobs: Job[] = [];

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  add({ profile = 'normal', ...draw }: Draw): void {
    const { ms, instead } = delayOf(profile, this.#random);
    const payer = draw.payer ?? PAYERS[Math.floor(this.#random() * PAYERS.length)] ?? 'SIM1';
    const id = this.#jobs.length;
    this.#jobs.push({ key: `k${id}`, ...draw, payer, id, ms, fails: instead !== undefined });
  }

  /** Five practices at work: one check of a person every two seconds, all together. */
  people(untilMs: number, more: Partial<Draw> = {}): void {
    for (let at = 0; at < untilMs; ) {
      at += -Math.log(1 - this.#random()) * 2_000;
      const tenant = `practice-${1 + Math.floor(this.#random() * 5)}`;
      this.add({ at, class: 'live', tenant, ...more });
    }
  }

  sorted(): Job[] {
    return this.#jobs.toSorted((a, b) => a.at - b.at);
  }
}

function load(name: string, seed: number, fill: (jobs: Jobs) => void, cutTo = SLOTS): Load {
  const jobs = new Jobs(seed);
  fill(jobs);
  const cut = (at: number): boolean => at >= 5 * MINUTE && at < 15 * MINUTE;
  return { name, jobs: jobs.sorted(), slotsAt: (at) => (cut(at) ? cutTo : SLOTS) };
}

const HOUR = 60 * MINUTE;

/** People alone, as they are in every load that has people: what the others are compared with. */
export function peopleOnly(): Load {
  return load('people alone', 1, (jobs) => jobs.people(HOUR));
}

/** The five loads of the reference, and the incident with the medication service. */
export function loads(): Load[] {
  const many = (jobs: Jobs, count: number, draw: Omit<Draw, 'at'> & { readonly at?: number }) => {
    for (let index = 0; index < count; index++) jobs.add({ at: 0, ...draw });
  };
  return [
    load('10,000 of a batch, and people', 1, (jobs) => {
      jobs.people(HOUR);
      many(jobs, 10_000, { class: 'batch', tenant: 'plan' });
    }),
    load('one payer slow', 2, (jobs) => {
      jobs.people(HOUR / 2);
      many(jobs, 1_500, { class: 'async', tenant: 'clinic', payer: 'SLOW', profile: 'slow' });
      many(jobs, 1_500, { class: 'async', tenant: 'other' });
    }),
    load('one payer out', 3, (jobs) => {
      jobs.people(HOUR / 2);
      many(jobs, 400, { class: 'async', tenant: 'clinic', payer: 'OUT', profile: 'outage' });
      many(jobs, 1_500, { class: 'async', tenant: 'other' });
    }),
    load('the same member, again and again', 4, (jobs) => {
      jobs.people(HOUR / 4);
      for (let member = 0; member < 100; member++) {
        for (let caller = 0; caller < 20; caller++) {
          const at = member * 5_000 + caller * 20;
          jobs.add({ at, class: 'live', tenant: 'clinic', payer: 'SIM1', key: `member-${member}` });
        }
      }
    }),
    load(
      'slots cut from 15 to 5 for ten minutes',
      5,
      (jobs) => {
        jobs.people(HOUR / 2);
        many(jobs, 3_000, { class: 'async', tenant: 'clinic' });
        many(jobs, 3_000, { class: 'async', tenant: 'other' });
      },
      5,
    ),
    load('10,000 of one service at once (INC-864)', 6, (jobs) => {
      jobs.people(HOUR);
      many(jobs, 10_000, { class: 'async', tenant: 'medication' });
      for (let index = 0; index < 600; index++) {
        jobs.add({ at: index * 4_000, class: 'async', tenant: 'pharmacy' });
      }
    }),
  ];
}
