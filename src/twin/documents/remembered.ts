import type { JsonObject } from '../../kernel/json.ts';
import type { SourceRecord } from '../ports.ts';
import { byKeys, dependsOn, type MemberRecord, memberRecord, type RecordSet } from './records.ts';
import { protectedKeys } from './sensitive.ts';
import { type Reads, tracked } from './tracked.ts';

/** A member's records, and the keys of those that are protected. */
interface Told {
  readonly all: readonly MemberRecord[];
  readonly sensitive: ReadonlySet<string>;
  readonly bySource: ReadonlyMap<SourceRecord, MemberRecord>;
}

interface Made {
  readonly data: JsonObject;
  readonly reads: Reads;
}

/**
 * What of a member's last projection still holds. A record whose source is the same object as the
 * last time keeps its own object, beside which is kept what was read of it (its finding, its search
 * row), unless one by whose name it was read has changed. Data whose types of records have not
 * changed are taken as they were. Where other records are protected than were, nothing holds.
 */
export class Remembered {
  readonly #made = new Map<string, Made>();
  #told: Told = { all: [], sensitive: new Set(), bySource: new Map() };
  #reached: string | undefined;
  /** Types of records that may read otherwise than the last time; `undefined`: all. */
  #changed: Set<string> | undefined;

  get all(): readonly MemberRecord[] {
    return this.#told.all;
  }

  get sensitive(): ReadonlySet<string> {
    return this.#told.sensitive;
  }

  /** @param reached the day that the records have reached (time.ts) */
  tell(member: string, sources: readonly SourceRecord[], reached: string | undefined): void {
    const before = this.#told;
    const present = new Set(sources);
    const gone = [...before.bySource.keys()].filter((source) => !present.has(source));
    const come = sources.filter((source) => !before.bySource.has(source));
    const keys = new Set([...gone, ...come].map(({ type, id }) => `${type}/${id}`));
    const renamed = [...before.bySource].filter(([, record]) => dependsOn(record, keys));
    const kept = new Map(before.bySource);
    for (const [source] of renamed) kept.delete(source);
    const told = toldOf(member, sources, kept);
    const same = equal(told.sensitive, before.sensitive) && reached === this.#reached;
    const types = [...gone, ...come, ...renamed.map(([source]) => source)].map(({ type }) => type);
    this.#told = same ? told : toldOf(member, sources);
    this.#changed = same ? new Set(types) : undefined;
    this.#reached = reached;
  }

  /** @param name of these data, in one variant */
  data(name: string, set: RecordSet, make: (set: RecordSet) => JsonObject): JsonObject {
    const before = this.#made.get(name);
    const changed = this.#changed;
    if (before !== undefined && changed !== undefined && !before.reads.touch(changed)) {
      return before.data;
    }
    const { set: watched, reads } = tracked(set);
    const made = { data: make(watched), reads };
    this.#made.set(name, made);
    return made.data;
  }
}

const HELD = new WeakMap<object, Remembered>();

/** @param memory whatever stands for this member; without it nothing is remembered. */
export function rememberedBy(memory: object | undefined): Remembered {
  const remembered = (memory && HELD.get(memory)) ?? new Remembered();
  if (memory !== undefined) HELD.set(memory, remembered);
  return remembered;
}

function toldOf(
  member: string,
  sources: readonly SourceRecord[],
  kept?: ReadonlyMap<SourceRecord, MemberRecord>,
): Told {
  const bySource = new Map<SourceRecord, MemberRecord>();
  for (const source of sources) {
    const record = kept?.get(source) ?? memberRecord(member, source);
    if (record !== undefined) bySource.set(source, record);
  }
  const all = [...bySource.values()].sort(byKeys);
  return { all, bySource, sensitive: protectedKeys(all) };
}

function equal(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && one.isSubsetOf(other);
}
