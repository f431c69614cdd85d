import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { asFault, Fault } from '../../kernel/errors.ts';
import { base32 } from '../../kernel/ids.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type { Principal } from '../../twin/ports.ts';
import type { Question } from '../model.ts';
import type { BatchClearinghouse, BatchResult, CheckOf, Facts, Outcome } from '../ports.ts';
import type { BatchStorage, Chunk, RowResult, StoredBatch, StoredRow } from './storage.ts';
import { judged, knownOf, PLAN_TYPES, type ValidationParts } from './validation.ts';

export interface RunnerParts extends ValidationParts {
  readonly storage: BatchStorage;
  readonly clearinghouse: BatchClearinghouse;
  readonly facts: Facts;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
  /** Between two looks at the clearinghouse, milliseconds; grows to twelve times as much. */
  readonly pollMs?: number;
  /** Of one batch at the clearinghouse; 10,000. */
  readonly perChunk?: number;
  /** A row was settled, for the metrics. */
  readonly onRow?: (state: RowResult['state']) => void;
}

const POLL_MS = 5_000;
const POLL_GROWTH_MAX = 12;
const PER_CHUNK = 10_000;
const ROWS_AT_ONCE = 1_000;
const FACTS_AT_ONCE = 8;
/** Batches at the clearinghouse at one time: payers expect a human scale. */
const CHUNKS_OPEN_MAX = 10;
/** Batches that are carried side by side, so that one whose payer is away holds up no other. */
const BATCHES_MAX = 4;
/** Looks after its end before an item that never came is given up. */
const MISSING_LOOKS = 5;
/** Items that are taken out and the rest sent again, where the clearinghouse refuses some. */
const RETRIES_MAX = 5;

/**
 * Carries batches to their end, a few side by side, from wherever they stood when this instance was
 * stopped. What was committed before a call says what may have happened: a batch whose
 * submission was not acknowledged is looked for by its name, and never sent twice.
 */
export class BatchRunner implements Service {
  readonly name = 'eligibility-batches';
  readonly #parts: RunnerParts;
  readonly #queue = new Set<string>();
  readonly #looks = new Map<string, number>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #wakes = new Set<() => void>();
  #purging: Timer | undefined;
  #stopped = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { storage, clock } = this.#parts;
    for (const { id, state } of await storage.unfinished()) {
      // Its body never came whole: whoever sent it has no answer and sends it again.
      if (state === 'receiving') await storage.drop(id);
      else this.#queue.add(id);
    }
    await storage.purge(clock.now() - KEPT_MS);
    this.#purgeDaily();
    this.#run();
  }

  #purgeDaily(): void {
    const { storage, clock, report } = this.#parts;
    this.#purging = clock.after(DAY_MS, () => {
      storage.purge(clock.now() - KEPT_MS).catch(report);
      this.#purgeDaily();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#purging?.cancel();
    for (const wake of this.#wakes) wake();
    await Promise.all(this.#running.values());
  }

  add(batch: string): void {
    this.#queue.add(batch);
    this.#run();
  }

  #run(): void {
    for (const id of this.#queue) {
      if (this.#stopped || this.#running.size >= BATCHES_MAX) return;
      this.#queue.delete(id);
      if (this.#running.has(id)) continue;
      const carried = this.#carry(id).finally(() => {
        this.#running.delete(id);
        this.#run();
      });
      this.#running.set(id, carried);
    }
  }

  async #carry(id: string): Promise<void> {
    let waits = 1;
    while (!this.#stopped) {
      const moved = await this.#step(id).catch((error: unknown) => {
        this.#parts.report(error);
        return false;
      });
      if (moved === 'done') return;
      waits = moved ? 1 : Math.min(waits * 2, POLL_GROWTH_MAX);
      await this.#wait((this.#parts.pollMs ?? POLL_MS) * (moved ? 0 : waits));
    }
  }

  #wait(ms: number): Promise<void> {
    if (ms === 0 || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#wakes.delete(wake);
        resolve();
      };
      const timer = this.#parts.clock.after(ms, wake);
      this.#wakes.add(wake);
    });
  }

  /** Whether anything came of it. */
  async #step(id: string): Promise<boolean | 'done'> {
    const { storage, clock } = this.#parts;
    const batch = await storage.get(id);
    if (batch === undefined || batch.state === 'completed') return 'done';
    if (batch.state === 'validating') {
      if (await this.#validate(batch)) return true;
      await storage.setState(id, 'running', clock.now());
    }
    const chunks = await storage.chunks(id);
    const open = chunks.filter(({ state }) => state !== 'done');
    if (open.length === 0) {
      await storage.setState(id, 'completed', clock.now());
      return 'done';
    }
    let moved = false;
    for (const chunk of open.slice(0, CHUNKS_OPEN_MAX)) {
      if (this.#stopped) return false;
      const isThere = chunk.state === 'submitted';
      moved = (await (isThere ? this.#collect(batch, chunk) : this.#submit(batch, chunk))) || moved;
    }
    return moved;
  }

  async #validate({ id, principal }: StoredBatch): Promise<boolean> {
    const { storage, clock, perChunk = PER_CHUNK } = this.#parts;
    const rows = await storage.received(id, ROWS_AT_ONCE);
    if (rows.length === 0) return false;
    const today = new Date(clock.now()).toISOString().slice(0, 10);
    const verdicts = await judged(this.#parts, principalOf(principal), rows, today);
    await storage.decide(id, verdicts, perChunk);
    return true;
  }

  /** Durable first, then counted. */
  async #settle(...given: Parameters<BatchStorage['settle']>): Promise<void> {
    const { storage, onRow } = this.#parts;
    await storage.settle(...given);
    for (const { state } of given[1]) onRow?.(state);
  }

  /** The name is committed before the call: afterwards the clearinghouse can be asked for it. */
  async #submit(batch: StoredBatch, chunk: Chunk): Promise<boolean> {
    const { storage, clearinghouse, clock } = this.#parts;
    if (chunk.state === 'submitting') {
      const remoteId = await clearinghouse.find(chunk.name, chunk.since);
      if (remoteId !== undefined) {
        await storage.putChunk({ ...chunk, state: 'submitted', remoteId });
        return true;
      }
    }
    const rows = await storage.openRows(batch.id, chunk.chunk);
    const items = await this.#questions(batch, rows);
    if (items.length === 0) {
      await storage.putChunk({ ...chunk, state: 'done' });
      return true;
    }
    const named = {
      ...chunk,
      name: chunk.name || `dt-${batch.id}-${chunk.chunk}`,
      state: 'submitting' as const,
      since: chunk.since || clock.now(),
    };
    await storage.putChunk(named);
    return this.#sent(batch, named, items, 0);
  }

  async #sent(
    batch: StoredBatch,
    chunk: Chunk,
    items: readonly Question[],
    tries: number,
  ): Promise<boolean> {
    const { storage, clearinghouse, clock } = this.#parts;
    const answer = await clearinghouse.submit(chunk.name, items);
    if (answer.kind === 'submitted') {
      await storage.putChunk({ ...chunk, state: 'submitted', remoteId: answer.batchId });
      return true;
    }
    if (answer.kind !== 'refused') return false;
    // We validate before, so this should not happen; one odd item must not cost the others theirs.
    const wrong = new Set(answer.fields.flatMap(itemIn));
    const some = wrong.size > 0 && tries < RETRIES_MAX;
    const out = items.filter((_, index) => !some || wrong.has(index));
    const refused = out.map(
      ({ reference }): RowResult => ({
        ...{ n: numberOf(reference), state: 'refused', reason: 'refused-by-clearinghouse' },
      }),
    );
    const rest = items.filter((item) => !out.includes(item));
    const name = `${chunk.name}-${tries + 1}`;
    const next: Chunk = { ...chunk, name, ...(rest.length === 0 && { state: 'done' }) };
    await this.#settle(batch.id, refused, clock.now(), next);
    return rest.length === 0 ? true : this.#sent(batch, next, rest, tries + 1);
  }

  /** Names and birth dates are looked up only now; what has changed since is asked as it is now. */
  async #questions({ id, tenant }: StoredBatch, rows: readonly StoredRow[]): Promise<Question[]> {
    const { clock, subjects } = this.#parts;
    const questions: Question[] = [];
    const lost: RowResult[] = [];
    for (const row of rows) {
      const known = knownOf(subjects, tenant, row);
      if (typeof known === 'string') lost.push({ n: row.n, state: 'refused', reason: known });
      else questions.push({ ...known.question, reference: `r${row.n}` });
    }
    if (lost.length > 0) await this.#settle(id, lost, clock.now());
    return questions;
  }

  async #collect(batch: StoredBatch, chunk: Chunk): Promise<boolean> {
    const { storage, clearinghouse, clock } = this.#parts;
    const { remoteId = '' } = chunk;
    const open = new Map(
      (await storage.openRows(batch.id, chunk.chunk)).map((row) => [row.n, row] as const),
    );
    if (open.size === 0) {
      await storage.putChunk({ ...chunk, state: 'done' });
      return true;
    }
    const page = await clearinghouse.results(remoteId, chunk.token);
    if (page === undefined) return false;
    const fresh = page.results.flatMap((result) => {
      const row = open.get(numberOf(result.reference));
      return row === undefined ? [] : [{ row, result }];
    });
    const results = await this.#recorded(batch, chunk, fresh);
    const { next } = page;
    const moved = next === undefined ? chunk : { ...chunk, token: next };
    await this.#settle(batch.id, results, clock.now(), moved);
    if (fresh.length > 0 || next !== undefined) {
      this.#looks.delete(remoteId);
      return true;
    }
    return this.#givenUp(batch, chunk, [...open.values()]);
  }

  /** An item that never came, though the clearinghouse says that all are done. */
  async #givenUp(batch: StoredBatch, chunk: Chunk, open: readonly StoredRow[]): Promise<boolean> {
    const { storage, clearinghouse, clock } = this.#parts;
    const { remoteId = '' } = chunk;
    const progress = await clearinghouse.progress(remoteId);
    if (progress?.isComplete !== true) return false;
    const looks = (this.#looks.get(remoteId) ?? 0) + 1;
    this.#looks.set(remoteId, looks);
    if (looks < MISSING_LOOKS) {
      // From the start once more: a page may have been read before it was whole.
      const { token: _, ...again } = chunk;
      await storage.putChunk(again);
      return false;
    }
    this.#looks.delete(remoteId);
    const failed = open.map(({ n }): RowResult => ({ n, state: 'failed', reason: 'no-answer' }));
    await this.#settle(batch.id, failed, clock.now(), { ...chunk, state: 'done' });
    return true;
  }

  async #recorded(
    batch: StoredBatch,
    chunk: Chunk,
    fresh: readonly { readonly row: StoredRow; readonly result: BatchResult }[],
  ): Promise<RowResult[]> {
    const done: RowResult[] = [];
    for (let from = 0; from < fresh.length; from += FACTS_AT_ONCE) {
      const some = fresh.slice(from, from + FACTS_AT_ONCE);
      done.push(
        ...(await Promise.all(
          some.map(({ row, result }) => this.#record(batch, chunk, row, result.outcome)),
        )),
      );
    }
    return done;
  }

  async #record(
    { id, tenant }: StoredBatch,
    { since }: Chunk,
    row: StoredRow,
    outcome: Outcome,
  ): Promise<RowResult> {
    const { facts, clock } = this.#parts;
    const { n, member = '', coverage, payer = '', serviceDate } = row;
    const about: CheckOf = {
      ...{ checkId: checkIdOf(id, n), tenant, member, payer },
      ...(coverage !== undefined && { coverage }),
      ...(serviceDate !== undefined && { serviceDate }),
      serviceTypes: row.serviceTypes ?? PLAN_TYPES,
      ...{ askedAt: since, settledAt: clock.now() },
    };
    const recorded = await facts.record(about, outcome).catch((error: unknown) => {
      // A member that was forgotten meanwhile; while the log is away it is tried again.
      if (asFault(error).row.retry === 'later' || !(error instanceof Fault)) throw error;
      return undefined;
    });
    const status = recorded?.status === 'processing' ? 'unknown' : recorded?.status;
    const result: RowResult =
      status === undefined
        ? { n, state: 'failed', reason: 'not-recorded' }
        : resultOf(n, outcome, status);
    return result;
  }
}

/** What ended longer ago is forgotten, with its report. */
const DAY_MS = 86_400_000;
const KEPT_MS = 30 * DAY_MS;

function resultOf(n: number, outcome: Outcome, status: RowResult['status']): RowResult {
  if (outcome.kind === 'answered') return { n, state: 'done', ...(status && { status }) };
  if (outcome.kind === 'rejected') {
    return { n, state: 'done', status: 'unknown', reason: `AAA ${outcome.rejections[0].code}` };
  }
  return { n, state: 'failed', reason: 'no-answer' };
}

/** Of a row, in the form of all checks, the same whoever asks. */
export function checkIdOf(batch: string, n: number): string {
  const digest = createHash('sha256').update(`${batch} ${n}`).digest();
  return base32(digest.subarray(0, 16));
}

function numberOf(reference = ''): number {
  const [, digits] = /^r(\d{1,7})$/.exec(reference) ?? [];
  return Number(digits ?? 0);
}

/** `/items.12.provider.npi`, `items[12].provider`. */
function itemIn(field: string): number[] {
  const [, index] = /items[.[/](\d{1,5})/.exec(field) ?? [];
  return index === undefined ? [] : [Number(index)];
}

/** Sets are no JSON. */
export function principalText({ scopes, ...principal }: Principal): string {
  return JSON.stringify({ ...principal, scopes: [...scopes] });
}

export function principalOf(text: string): Principal {
  const { scopes, ...principal } = JSON.parse(text) as Omit<Principal, 'scopes'> & {
    scopes: string[];
  };
  return { ...principal, scopes: new Set(scopes) };
}
