import type { Clock } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { RelationChange, RelationJournal } from '../twin/ports.ts';
import type { WriterSide } from './decisions.ts';
import { answered } from './decisions-asker.ts';
import { relationKey } from './relations-text.ts';
import { mark, markFilter, markNumber } from './spicedb/bookkeeping.ts';
import type { Engine, Precondition } from './spicedb/engine.ts';

export interface ApplierParts {
  readonly engine: Engine;
  readonly journal: RelationJournal;
  readonly clock: Clock;
  readonly decisions: WriterSide;
}

const NOTHING: ReadonlyMap<string, number> = new Map();

/** The journal's changes in order, each batch once: the offset moves in the same write. */
export class Applier {
  readonly #parts: ApplierParts;
  /** Told to the decisions up to here; SpiceDB is there too, or further after a lost answer. */
  #applied: number | undefined;
  /** What SpiceDB says is applied; unknown at first, and again after every failure. */
  #offset: number | undefined;
  #zedToken = '';

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
    if (this.#offset < this.applied) this.#applied = undefined;
    this.#applied ??= await this.#begin(this.#offset);
    const restricted = doubtful ? await this.#lookAhead() : NOTHING;
    while (goesOn()) {
      const entries = await journal.read(this.#applied + 1, LIMITS.relationChangesMax);
      const last = entries.at(-1);
      if (last === undefined) return;
      const lasting = entries.filter(
        ({ offset, change }) => offset >= (restricted.get(relationKey(change.relationship)) ?? 0),
      );
      await this.#apply(
        lasting.map((entry) => entry.change),
        last.offset,
      );
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
        const restricts = change.operation === 'delete' || change.relationship.expiresAt;
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

  async #apply(changes: readonly RelationChange[], offset: number): Promise<void> {
    const { clock, decisions } = this.#parts;
    const effective = lastOfEach(changes, clock.now());
    // Its answer was lost, but the write was not.
    if (this.#offset === undefined || offset > this.#offset) {
      try {
        this.#zedToken = await this.#write(effective, this.#offset ?? -1, offset);
      } catch (error) {
        this.#offset = undefined;
        decisions.withhold(effective, offset);
        throw error;
      }
      this.#offset = offset;
    }
    decisions.committed(effective, offset);
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
 * since it was written down is a delete.
 */
function lastOfEach(changes: readonly RelationChange[], nowMs: number): RelationChange[] {
  const last = new Map<string, RelationChange>();
  for (const { operation, relationship } of changes) {
    const { expiresAt } = relationship;
    const ended = expiresAt !== undefined && Date.parse(expiresAt) <= nowMs;
    last.set(relationKey(relationship), {
      operation: ended ? 'delete' : operation,
      relationship,
    });
  }
  return [...last.values()];
}
