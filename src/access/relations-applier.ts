import type { Clock } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { RelationChange, RelationJournal } from '../twin/ports.ts';
import type { WriterSide } from './decisions.ts';
import { answered } from './decisions-asker.ts';
import { begun, isEarly, marking, Pending } from './relations-pending.ts';
import { relationKey } from './relations-text.ts';
import { mark, markFilter, markNumber } from './spicedb/bookkeeping.ts';
import type { Engine, Precondition } from './spicedb/engine.ts';

export interface ApplierParts {
  readonly engine: Engine;
  readonly journal: RelationJournal;
  readonly clock: Clock;
  readonly decisions: WriterSide;
}

type JournalEntry = Awaited<ReturnType<RelationJournal['read']>>[number];

const NOTHING: ReadonlyMap<string, number> = new Map();

/** The journal's changes in order, each batch once: the offset moves in the same write. */
export class Applier {
  readonly #parts: ApplierParts;
  /** Told to the decisions up to here; SpiceDB is there too, or further after a lost answer. */
  #applied: number | undefined;
  /** What SpiceDB says is applied; unknown at first, and again after every failure. */
  #offset: number | undefined;
  #zedToken = '';
  /** Grants whose time has yet to come; read with the offset, and kept in step with it. */
  #pending: Pending | undefined;

  constructor(parts: ApplierParts) {
    this.#parts = parts;
  }

  get applied(): number {
    return this.#applied ?? -1;
  }

  /** Of the last commit. */
  get zedToken(): string {
    return this.#zedToken;
  }

  /** Somebody else may have written meanwhile: begin where SpiceDB is. */
  reset(): void {
    this.#offset = undefined;
    this.#applied = undefined;
    this.#pending = undefined;
  }

  /** To be asked again how far SpiceDB is: it may have been restored from an older copy. */
  doubt(): void {
    this.#offset = undefined;
  }

  /**
   * Applies all there is, as long as `goesOn`.
   * @throws when the journal or SpiceDB fails; then call it again.
   */
  async catchUp(onApplied: () => void, goesOn: () => boolean): Promise<void> {
    const { journal } = this.#parts;
    const doubtful = this.#offset === undefined;
    this.#offset ??= await this.#readOffset();
    // It was restored from an older copy, or is empty: it lacks all that came after.
    if (this.#offset < this.applied) this.reset();
    this.#offset ??= await this.#readOffset();
    this.#pending ??= await Pending.read(this.#parts.engine, this.#parts.journal);
    this.#applied ??= await this.#begin(this.#offset);
    const restricted = doubtful ? await this.#lookAhead() : NOTHING;
    while (goesOn()) {
      const entries = await journal.read(this.#applied + 1, LIMITS.relationChangesMax);
      const last = entries.at(-1);
      if (last === undefined) return;
      const lasting = entries.filter(
        ({ offset, change }) => offset >= (restricted.get(relationKey(change.relationship)) ?? 0),
      );
      await this.#apply(lasting, last.offset, this.#pending);
      this.#applied = last.offset;
      onApplied();
    }
  }

  /**
   * The offsets from which on a relationship that is deleted or ends may be written at all: of a
   * backlog of many writes, none may let in for a moment whom a later one shuts out.
   */
  async #lookAhead(): Promise<ReadonlyMap<string, number>> {
    const restricted = new Map<string, number>();
    let next = this.applied + 1;
    for (;;) {
      const entries = await this.#parts.journal.read(next, LIMITS.relationChangesMax);
      const last = entries.at(-1);
      if (last === undefined) return restricted;
      for (const { offset, change } of entries) {
        const key = relationKey(change.relationship);
        const { expiresAt, startsAt } = change.relationship;
        const restricts = change.operation === 'delete' || expiresAt || startsAt;
        if (restricts) restricted.set(key, offset);
        else restricted.delete(key);
      }
      next = last.offset + 1;
    }
  }

  /** Where to begin: an external SpiceDB holds everything up to its offset already. */
  async #begin(offset: number): Promise<number> {
    if (offset >= 0 && (await this.#parts.journal.read(offset, 1)).length === 0) {
      throw new Error(
        `the journal of relations ends before offset ${offset}, which SpiceDB has applied: ` +
          'it is not the journal that this SpiceDB was written from',
      );
    }
    return offset;
  }

  async #apply(entries: readonly JournalEntry[], offset: number, pending: Pending): Promise<void> {
    const { clock, decisions } = this.#parts;
    const now = clock.now();
    const { marks, settle } = pending.marksOf(entries, now);
    const effective = lastOfEach(
      entries.map(({ change }) => change),
      now,
    );
    // Its answer was lost, but the write was not.
    if (this.#offset === undefined || offset > this.#offset) {
      try {
        this.#zedToken = await this.#write([...effective, ...marks], this.#offset ?? -1, offset);
      } catch (error) {
        this.#offset = undefined;
        decisions.withhold(effective, offset);
        throw error;
      }
      this.#offset = offset;
    }
    settle();
    decisions.committed(effective, offset);
  }

  /** When the next grant begins, milliseconds since the epoch. */
  nextStart(): number | undefined {
    return this.#pending?.next();
  }

  /**
   * Writes the grants whose time has come. Each only where SpiceDB still has its mark and is where
   * this writer believes it to be: so none is written twice, and none after it was taken back.
   * @throws when SpiceDB fails, or another has written meanwhile; then catch up and call it again.
   */
  async startDue(): Promise<void> {
    const { clock, engine } = this.#parts;
    for (const grant of this.#pending?.due(clock.now()) ?? []) {
      const relationship = begun(grant.relationship);
      const changes = lastOfEach([{ operation: 'touch', relationship }], clock.now());
      const must = [
        { must: 'match', filter: markFilter('pending', grant.offset) },
        { must: 'match', filter: markFilter('offset', this.#offset ?? -1) },
      ] as const satisfies Precondition[];
      const write = engine.write([...changes, marking('delete', grant.offset)], must);
      try {
        await answered(clock, LIMITS.relationsCommitTimeoutMs, write);
      } catch (error) {
        // Whether it was written is not known: what SpiceDB says is read anew.
        this.#pending = undefined;
        this.#offset = undefined;
        throw error;
      }
      this.#pending?.remove(grant);
    }
  }

  #write(changes: readonly RelationChange[], from: number, to: number): Promise<string> {
    const moved: RelationChange[] = [{ operation: 'touch', relationship: mark('offset', to) }];
    if (from >= 0) moved.push({ operation: 'delete', relationship: mark('offset', from) });
    const precondition: Precondition =
      from >= 0
        ? { must: 'match', filter: markFilter('offset', from) }
        : { must: 'not-match', filter: markFilter('offset') };
    const { engine, clock } = this.#parts;
    const written = engine.write([...changes, ...moved], [precondition]);
    return answered(clock, LIMITS.relationsCommitTimeoutMs, written);
  }

  async #readOffset(): Promise<number> {
    const { engine, clock } = this.#parts;
    const marks = engine.read(markFilter('offset'));
    const [found] = await answered(clock, LIMITS.relationsCommitTimeoutMs, marks);
    return found === undefined ? -1 : markNumber(found);
  }
}

/**
 * SpiceDB takes one change of a relationship a write: the last counts. A grant that has ended
 * since it was written down is a delete, and so is one that has yet to begin: until then what stood
 * before it is not there either.
 */
function lastOfEach(changes: readonly RelationChange[], nowMs: number): RelationChange[] {
  const last = new Map<string, RelationChange>();
  for (const { operation, relationship } of changes) {
    const { expiresAt } = relationship;
    const ended = expiresAt !== undefined && Date.parse(expiresAt) <= nowMs;
    const early = isEarly({ operation, relationship }, nowMs);
    last.set(relationKey(relationship), {
      operation: ended || early ? 'delete' : operation,
      relationship: begun(relationship),
    });
  }
  return [...last.values()];
}
