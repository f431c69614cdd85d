/** A broker in virtual time: a journal in memory, payers that answer when they are told to. */

import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { createListeners } from '../../kernel/listeners.ts';
import type {
  CheckBoard,
  CheckEvent,
  CheckJournal,
  CheckRequest,
  CheckStep,
} from '../../twin/ports.ts';
import { WHOLE_REQUEST } from '../journal/steps.rig.ts';
import { CheckTable, isTerminal } from '../journal/table.ts';
import type { Answer, Question } from '../model.ts';
import type { Facts, Outcome } from '../ports.ts';
import { SCHEDULER_DEFAULTS, type SchedulerSettings } from '../scheduler/index.ts';
import { type Broker, createBroker } from './broker.ts';
import type { BrokerParts } from './parts.ts';
import { BROKER_DEFAULTS, type BrokerSettings } from './settings.ts';

export const T0 = 1_790_000_000_000;

/** Moves only when it is told to; whatever a due task sets off is over before the next one. */
export class VirtualClock implements Clock {
  #ms = 0;
  #timers = new Set<{ readonly due: number; readonly task: () => void }>();

  now(): number {
    return T0 + this.#ms;
  }

  monotonic(): number {
    return this.#ms;
  }

  after(delayMs: number, task: () => void): Timer {
    const timer = { due: this.#ms + Math.max(0, delayMs), task };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  async advance(ms: number): Promise<void> {
    const until = this.#ms + ms;
    await turn();
    for (;;) {
      let next: { readonly due: number; readonly task: () => void } | undefined;
      for (const timer of this.#timers) if (timer.due < (next?.due ?? until + 1)) next = timer;
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#ms = Math.max(this.#ms, next.due);
      next.task();
      await turn();
    }
    this.#ms = until;
    await turn();
  }

  /** As if the process had been stopped: time goes by, and nothing of it runs. */
  skip(ms: number): void {
    this.#ms += ms;
  }
}

/** What several brokers share. */
export class MemoryJournal {
  readonly steps: CheckStep[] = [];
  readonly events: CheckEvent[] = [];
  #reigning = 0;
  #instances: ((steps: readonly CheckStep[]) => void)[] = [];
  /** Nothing can be written. */
  away = false;
  /** Called before a commit is durable; a throw keeps it from being so. */
  beforeCommit: (steps: readonly CheckStep[]) => void = () => undefined;

  /** One instance's way to it. */
  open(): CheckJournal {
    const heard = createListeners<CheckStep>(fail);
    const told = createListeners<CheckEvent>(fail);
    this.#instances.push(heard.tell);
    const mine = { id: 0 };
    return {
      onSteps(listener) {
        return heard.add(listener);
      },
      onEvents: told.add,
      accept: async (steps) => {
        if (this.away) throw new Error('away');
        this.#append(steps);
      },
      reign: async () => {
        if (this.away) throw new Error('away');
        this.#reigning += 1;
        mine.id = this.#reigning;
        const id = mine.id;
        return {
          commit: async (steps, events) => {
            if (this.away) throw new Error('away');
            if (id !== this.#reigning) throw new Error('fenced');
            this.beforeCommit(steps);
            this.#append(steps);
            this.events.push(...events);
            told.tell(events);
          },
          end: async () => undefined,
        };
      },
    };
  }

  /** All steps so far, for an instance that starts. */
  replay(table: CheckTable): void {
    for (const step of this.steps) table.apply(step);
  }

  terminals(checkId: string): CheckStep[] {
    return this.steps.filter((step) => step.checkId === checkId && isTerminal(step.state));
  }

  #append(steps: readonly CheckStep[]): void {
    this.steps.push(...steps);
    for (const tell of this.#instances) tell(steps);
  }
}

/** A payer that answers after `ms` what `outcome` says; `open` is what it has under way. */
export class Payers {
  readonly timeoutMs: number;
  readonly asked: { readonly at: number; readonly question: Question }[] = [];
  /** Of all brokers together, as the clearinghouse counts. */
  open = 0;
  openMax = 0;
  answer: (question: Question, call: number) => { ms: number; outcome: Outcome } = () => ({
    ms: 1_000,
    outcome: ANSWERED,
  });
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, timeoutMs = 95_000) {
    this.#clock = clock;
    this.timeoutMs = timeoutMs;
  }

  check(question: Question): Promise<Outcome> {
    this.asked.push({ at: this.#clock.monotonic(), question });
    const { ms, outcome } = this.answer(question, this.asked.length);
    this.open += 1;
    this.openMax = Math.max(this.openMax, this.open);
    return new Promise((resolve) => {
      this.#clock.after(ms, () => {
        this.open -= 1;
        resolve(outcome);
      });
    });
  }
}

const ANSWER: Answer = {
  ...{ shape: 'json-2024-04-01', raw: '{}', traceIds: [], payer: {}, dates: [], benefits: [] },
  ...{ rejections: [], faults: [] },
};
export const ANSWERED: Outcome = { kind: 'answered', answer: ANSWER, reached: 'yes' };
export const THROTTLED: Outcome = { kind: 'throttled', reached: 'no' };
export const SILENT: Outcome = { kind: 'unavailable', why: 'time-out', reached: 'maybe' };

export function rejected(code: string, followUp = 'C'): Outcome {
  const rejections = [{ code, followUp, loop: 'subscriber', path: '' }] as const;
  return { kind: 'rejected', answer: ANSWER, rejections: [...rejections], reached: 'yes' };
}

export interface Rig {
  readonly broker: Broker;
  readonly table: CheckTable;
  readonly recorded: { readonly checkId: string; readonly kind: string }[];
  readonly shared: () => number;
  accept(checkId: string, over?: Partial<CheckRequest>): Promise<void>;
}

/** Slots that any check may take; no check waits for another class. */
export function plainSettings(over: Partial<SchedulerSettings> = {}): BrokerSettings {
  return {
    ...BROKER_DEFAULTS,
    scheduler: { ...SCHEDULER_DEFAULTS, payerShare: 1, liveShare: 0, ...over },
  };
}

/** A broker that leads. */
export async function brokerOn(
  journal: MemoryJournal,
  payers: Payers,
  clock: VirtualClock,
  more: Partial<BrokerParts> = {},
): Promise<Rig> {
  const table = new CheckTable();
  journal.replay(table);
  const opened = journal.open();
  const recorded: { checkId: string; kind: string }[] = [];
  let shared = 0;
  const facts: Facts = {
    processing: async () => ({ status: 'processing' }),
    record: async ({ checkId }, { kind }) => {
      recorded.push({ checkId, kind });
      return { status: kind === 'answered' ? 'active' : 'unknown' };
    },
  };
  const ignored = (): undefined => undefined;
  const broker = createBroker({
    ...{ journal: opened, table, clearinghouse: payers, facts, clock },
    board: emptyBoard(),
    questions: { of: (request) => questionOf(request) },
    placeOf: ignored,
    settings: plainSettings(),
    metrics: {
      ...{ started: ignored, called: ignored, rejected: ignored, ended: ignored, status: ignored },
      shared: () => {
        shared += 1;
      },
    },
    report: ignored,
    random: () => 0,
    ...more,
  });
  await broker.start();
  await turn();
  return {
    ...{ broker, table, recorded, shared: () => shared },
    async accept(checkId, over = {}) {
      const now = clock.now();
      const request = { ...WHOLE_REQUEST, mode: 'DEFAULT' as const, until: now + 300_000, ...over };
      const { tenant, member } = request;
      const about = { eventId: `${checkId}-accepted`, at: now, checkId, tenant, member };
      await opened.accept([{ ...about, state: 'accepted', attempt: 0, request }]);
      await turn();
    },
  };
}

export function boardOf(): CheckBoard {
  const held = new Map<string, CheckStep>();
  return {
    put: async (id, step) => void (held.has(id) || held.set(id, step)),
    get: async (id) => held.get(id),
  };
}

function emptyBoard(): CheckBoard {
  return { put: async () => undefined, get: async () => undefined };
}

function questionOf({ payer, dedupeKey }: CheckRequest): Question {
  return {
    payer,
    provider: { npi: '1', name: 'p' },
    subscriber: {},
    serviceTypes: ['30'],
    reference: dedupeKey,
  };
}

function fail(error: unknown): void {
  throw error;
}
