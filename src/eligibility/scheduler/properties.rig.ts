import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Arrival, Simulation } from './schedule.rig.ts';
import { CLASSES, SCHEDULER_DEFAULTS, type SchedulerSettings } from './types.ts';

/** Small numbers, so that bounds are met often. */
const settings: fc.Arbitrary<SchedulerSettings> = fc
  .record({
    slots: fc.integer({ min: 1, max: 8 }),
    payerShare: fc.constantFrom(0.3, 0.6, 1),
    liveShare: fc.constantFrom(0, 0.2, 0.5),
    waitingMax: fc.integer({ min: 1, max: 30 }),
    tenantWaitingMax: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ waitingMax: most, ...given }) => ({
    ...SCHEDULER_DEFAULTS,
    ...given,
    waitingMax: { live: most, async: most, batch: most },
    ageMs: { live: 5_000, async: 20_000, batch: 60_000 },
  }));

const ending = fc.constantFrom<Arrival['calls'][number]['ending']>(
  ...(['answered', 'answered', 'answered', 'payer-failed', 'throttled', 'unsaid'] as const),
);

const arrival: fc.Arbitrary<Arrival> = fc.record({
  at: fc.integer({ min: 0, max: 60_000 }),
  ticket: fc.record({
    class: fc.constantFrom(...CLASSES),
    tenant: fc.constantFrom('t1', 't2', 't3'),
    payer: fc.constantFrom('p1', 'p2', 'p3', 'p4'),
    until: fc.constantFrom(20_000, 90_000, 10_000_000),
  }),
  calls: fc.array(fc.record({ ms: fc.integer({ min: 1, max: 90_000 }), ending }), {
    minLength: 1,
    maxLength: 4,
  }),
});

export interface Runs {
  readonly seed: number;
  readonly runs: number;
}

/** Slots, work conservation, and that every accepted check ends. */
export function checkSchedules({ seed, runs }: Runs): void {
  const property = fc.property(
    settings,
    fc.array(arrival, { minLength: 1, maxLength: 40 }),
    (given, arrivals) => {
      const { refused, ended, inUseMax, idle } = new Simulation(given, arrivals).run();
      assert.ok(inUseMax <= given.slots, `${inUseMax} of ${given.slots} slots`);
      assert.deepEqual(idle, [], 'a slot stood idle beside work that might take it');
      assert.equal(ended.size + refused.length, arrivals.length, 'not every check ended');
      for (const id of refused) assert.ok(!ended.has(id), 'a refused check ended');
    },
  );
  fc.assert(property, { seed, numRuns: runs });
}

const shared = fc.record({
  slots: fc.integer({ min: 1, max: 8 }),
  weights: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 4 }),
  quantumMs: fc.integer({ min: 100, max: 5_000 }),
  longestMs: fc.integer({ min: 100, max: 5_000 }),
  draws: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 20, maxLength: 60 }),
  between: fc.constantFrom('tenants' as const, 'classes' as const),
});

/**
 * Whoever always has something waiting is served by weight: over any interval the slot-time of two
 * shares, by weight, comes apart by at most 2·Lmax + Q + c·Lmax (eligibility.md §6): the longest
 * call, the quantum, and what c slots have open. It bounds starvation as well: no share that waits
 * is passed over for longer than the others take to use up that much.
 */
export function checkShares({ seed, runs }: Runs): void {
  const property = fc.property(shared, (given) => {
    const { slots, quantumMs, longestMs, draws, between } = given;
    const weights = between === 'classes' ? given.weights.slice(0, 3) : given.weights;
    const shares = weights.map((weight, index) => ({ weight, key: `t${index}` }));
    const msOf = (index: number): number =>
      Math.max(1, Math.ceil((draws[index % draws.length] ?? 0) * longestMs));
    const count = 40;
    const arrivals = shares.flatMap(({ key }, share) =>
      Array.from({ length: count }, (_, index) => ({
        at: 0,
        ticket: {
          class: between === 'classes' ? (CLASSES[share] ?? 'live') : ('live' as const),
          tenant: between === 'classes' ? 'one' : key,
          payer: `p${(index + share) % 3}`,
          until: Number.POSITIVE_INFINITY,
        },
        calls: [{ ms: msOf(index * 7 + share * 3), ending: 'answered' as const }],
      })),
    );
    const byClass = { live: weights[0] ?? 1, async: weights[1] ?? 1, batch: weights[2] ?? 1 };
    const bound = 2 * longestMs + quantumMs + slots * longestMs;
    const service = new Service(shares.map(({ weight }) => weight));
    const simulation = new Simulation(
      {
        ...SCHEDULER_DEFAULTS,
        ...{ slots, quantumMs, payerShare: 1, liveShare: 0 },
        tenantWeight: (tenant) => (between === 'tenants' ? (weights[Number(tenant[1])] ?? 1) : 1),
        weights: between === 'classes' ? byClass : SCHEDULER_DEFAULTS.weights,
        estimateMs: Math.ceil(longestMs / 2),
        ageMs: { live: 1e12, async: 1e12, batch: 1e12 },
        waitMsMax: { live: 1e12, async: 1e12, batch: 1e12 },
      },
      arrivals,
      (now, running) => {
        service.at(
          now,
          running.map(({ ticket, since }) => {
            const index =
              between === 'classes' ? CLASSES.indexOf(ticket.class) : Number(ticket.tenant[1]);
            return { id: ticket.id, share: index, since };
          }),
        );
        assert.ok(service.apart <= bound, `${service.apart} ms apart, bound ${bound} ms`);
      },
    );
    // Only while everybody waits.
    const waits = (): boolean => service.started.every((started) => started < count);
    simulation.run(() => !waits());
  });
  fc.assert(property, { seed, numRuns: runs });
}

/** Slot-time taken by each share, by weight, and how far two have come apart over any interval. */
class Service {
  readonly #weights: readonly number[];
  readonly started: number[];
  readonly #done: number[];
  readonly #open = new Map<string, { share: number; since: number }>();
  readonly #least = new Map<string, number>();
  readonly #most = new Map<string, number>();

  constructor(weights: readonly number[]) {
    this.#weights = weights;
    this.started = weights.map(() => 0);
    this.#done = weights.map(() => 0);
  }

  at(now: number, running: readonly { id: string; share: number; since: number }[]): void {
    const ids = new Set(running.map(({ id }) => id));
    for (const [id, { share, since }] of this.#open) {
      if (ids.has(id)) continue;
      this.#done[share] = (this.#done[share] ?? 0) + now - since;
      this.#open.delete(id);
    }
    for (const { id, share, since } of running) {
      if (this.#open.has(id)) continue;
      this.#open.set(id, { share, since });
      this.started[share] = (this.started[share] ?? 0) + 1;
    }
    const taken = this.#weights.map((weight, share) => {
      const open = running.filter((one) => one.share === share);
      const openMs = open.reduce((sum, { since }) => sum + now - since, 0);
      return ((this.#done[share] ?? 0) + openMs) / weight;
    });
    for (const [i, a] of taken.entries()) {
      for (const [j, b] of taken.entries()) this.#note(`${i} ${j}`, a - b);
    }
  }

  get apart(): number {
    return Math.max(0, ...[...this.#most].map(([key, most]) => most - (this.#least.get(key) ?? 0)));
  }

  #note(key: string, difference: number): void {
    this.#least.set(key, Math.min(this.#least.get(key) ?? 0, difference));
    this.#most.set(key, Math.max(this.#most.get(key) ?? 0, difference));
  }
}
