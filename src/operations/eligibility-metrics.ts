import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Of real-time eligibility. Payers are those of `resources/payers.json`; no other id is a label. */
export interface EligibilityMetrics {
  /** A check waited so long for its slot. */
  started(one: string, payer: string, waitedMs: number): void;
  called(payer: string, ending: string, heldMs: number): void;
  /** An AAA code. */
  rejected(code: string): void;
  ended(state: string, one: string): void;
  /** A call that was not made since another one answers the same question. */
  shared(): void;
  /** A question that a kept answer answered, or did not. */
  cache(hit: boolean): void;
  /** A caller who had the request held. */
  waited(how: 'answered' | 'fell-back'): void;
  /** The old way said otherwise in this field. */
  differed(field: string): void;
  compared(): void;
  /** A row of a batch ended. */
  batchRow(state: string): void;
  status(status: {
    readonly slots: number;
    readonly inUse: number;
    readonly waiting: Readonly<Record<string, number>>;
  }): void;
  saved(): { fromCache: number; shared: number; asked: number; dollars: number };
}

/** What a check costs at some thousands a month, by the clearinghouse's published prices. */
export const DOLLARS_A_CHECK = 0.1;

const WAITS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900, 3_600];
const PREFIX = 'digital_twin_eligibility_';
const OTHER = 'other';

/** @param payers that may be labels */
export function createEligibilityMetrics(
  registry: Registry,
  payers: ReadonlySet<string>,
): EligibilityMetrics {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name: `${PREFIX}${name}`, help, labelNames, registers });
  const timing = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Histogram({ name: `${PREFIX}${name}`, help, labelNames, buckets: WAITS, registers });

  const slots = gauge('slots', 'Calls that may be open at the clearinghouse now.');
  const inUse = gauge('slots_in_use', 'Calls that are open at the clearinghouse.');
  const waiting = gauge('waiting', 'Checks that wait for a slot.', ['class']);
  const waits = timing('wait_seconds', 'How long checks waited for a slot.', ['class', 'payer']);
  const calls = timing('call_seconds', 'How long calls took, by how they ended.', [
    'payer',
    'ending',
  ]);
  const rejections = counter('rejections_total', 'AAA codes of payers.', ['code']);
  const ends = counter('ended_total', 'Checks by how they ended.', ['state', 'class']);
  const lookups = counter('cache_total', 'Questions that a kept answer answered, or not.', ['hit']);
  const sharedCalls = counter('shared_total', 'Checks that shared the call of another one.');
  const dollars = counter('saved_dollars_total', 'What calls that were not made would have cost.');
  const held = counter('waited_total', 'Requests held for their answer (deprecated).', ['how']);
  const compared = counter('shadow_total', 'Answers that were compared with those of the old way.');
  const differences = counter('shadow_differences_total', 'Fields that differed.', ['field']);
  const rows = counter(
    'batch_rows_total',
    'Rows of batches that were judged fit to ask, by how they ended.',
    ['state'],
  );
  const payerLabel = (payer: string): string => (payers.has(payer) ? payer : OTHER);
  const counts = { fromCache: 0, shared: 0, asked: 0 };
  const save = (what: 'fromCache' | 'shared'): void => {
    counts[what] += 1;
    dollars.inc(DOLLARS_A_CHECK);
  };
  return {
    started: (one, payer, waitedMs) =>
      waits.observe({ class: one, payer: payerLabel(payer) }, waitedMs / 1_000),
    called(payer, ending, heldMs) {
      counts.asked += 1;
      calls.observe({ payer: payerLabel(payer), ending }, heldMs / 1_000);
    },
    rejected: (code) => rejections.inc({ code: /^(?:\d{2}|T4)$/.test(code) ? code : OTHER }),
    ended: (state, one) => ends.inc({ state, class: one }),
    shared() {
      sharedCalls.inc();
      save('shared');
    },
    cache(hit) {
      lookups.inc({ hit: String(hit) });
      if (hit) save('fromCache');
    },
    waited: (how) => held.inc({ how }),
    differed: (field) =>
      differences.inc({ field: /^[a-z]+(?:\.[A-Z0-9]{1,3})?$/.test(field) ? field : OTHER }),
    compared: () => compared.inc(),
    batchRow: (state) => rows.inc({ state }),
    status(now) {
      slots.set(now.slots);
      inUse.set(now.inUse);
      for (const [one, count] of Object.entries(now.waiting)) waiting.set({ class: one }, count);
    },
    saved: () => ({
      ...counts,
      dollars: Math.round((counts.fromCache + counts.shared) * DOLLARS_A_CHECK * 100) / 100,
    }),
  };
}
