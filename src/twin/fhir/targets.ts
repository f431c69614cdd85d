import type { ResourceJson } from '../ports.ts';
import { objectsOf, stringOf } from './elements.ts';
import type { BundleEntry, KnownRecords } from './records.ts';
import { Refusal, refusalOf, refused } from './refusal.ts';

/** An entry with the id that it has with us. */
export interface Target {
  readonly entry: BundleEntry;
  readonly type: string;
  readonly id: string;
  /** A conditional create whose record exists: it is referred to, and not written. */
  readonly exists: boolean;
}

/** Where the references of a bundle may point to inside it. */
export interface Targets {
  readonly all: readonly Target[];
  /** By `fullUrl`; by `urn:uuid:` and the id where no entry has that url. */
  readonly byUrl: ReadonlyMap<string, Target>;
  /** By `Type/id` as the source writes it. */
  readonly bySource: ReadonlyMap<string, Target>;
  /** By `Type/id` as we write it; only what is written. */
  readonly byOurs: ReadonlyMap<string, Target>;
  /** By `Type|system|value`; null where several records carry the identifier. */
  readonly byIdentifier: ReadonlyMap<string, Target | null>;
}

/** A bundle in our ids, while its homes are being found. */
export interface RewrittenBundle {
  readonly targets: Targets;
  readonly resources: ReadonlyMap<Target, ResourceJson>;
  readonly known: KnownRecords;
}

/** What becomes of an entry that cannot be addressed: told, or thrown. */
export type OnRefusal = (refusal: Refusal, entry: BundleEntry) => void;

export function targetsOf(
  entries: readonly BundleEntry[],
  known: KnownRecords,
  onRefusal: OnRefusal,
): Targets {
  const all: Target[] = [];
  const byUrl = new Map<string, Target>();
  const bySource = new Map<string, Target>();
  const byOurs = new Map<string, Target>();
  const byIdentifier = new Map<string, Target | null>();
  for (const entry of entries) {
    const target = orRefusal(onRefusal, entry, () => targetOf(entry, known, byIdentifier));
    if (target === undefined) continue;
    all.push(target);
    bySource.set(`${entry.type}/${entry.id}`, target);
    const ownUrl = `urn:uuid:${entry.id}`;
    if (!byUrl.has(ownUrl)) byUrl.set(ownUrl, target);
    if (entry.fullUrl !== undefined && entry.fullUrl !== '') byUrl.set(entry.fullUrl, target);
    if (target.exists) continue;
    byOurs.set(`${target.type}/${target.id}`, target);
    for (const identifier of identifiersOf(entry.resource)) {
      const key = `${entry.type}|${identifier}`;
      byIdentifier.set(key, byIdentifier.has(key) ? null : target);
    }
  }
  return { all, byUrl, bySource, byOurs, byIdentifier };
}

export function orRefusal<T>(
  onRefusal: OnRefusal,
  entry: BundleEntry,
  work: () => T,
): T | undefined {
  try {
    return work();
  } catch (error) {
    const refusal = refusalOf(error, entry, entry.type);
    if (!(refusal instanceof Refusal)) throw refusal;
    onRefusal(refusal, entry);
    return undefined;
  }
}

function targetOf(
  entry: BundleEntry,
  known: KnownRecords,
  before: ReadonlyMap<string, Target | null>,
): Target {
  const { type, ifNoneExist } = entry;
  if (ifNoneExist !== undefined) {
    const { system, value } = ifNoneExist;
    const [id, ...others] = known.byIdentifier(type, system, value);
    if (others.length > 0) {
      const says = 'Several known records carry the identifier; name one by its id.';
      const path = 'request.ifNoneExist';
      throw refused({ at: entry, type, path, reason: 'if-none-exist', says });
    }
    const existing = id ?? before.get(`${type}|${system}|${value}`)?.id;
    if (existing !== undefined) return { entry, type, id: existing, exists: true };
  }
  return { entry, type, id: ourId(type, entry.id, known, entry), exists: false };
}

/** Our id of a source's; a refusal names the entry that would need it. */
export function ourId(type: string, id: string, known: KnownRecords, entry: BundleEntry): string {
  try {
    return type === 'Patient' ? known.memberId(id) : known.resourceId(type, id);
  } catch (error) {
    throw refusalOf(error, entry, entry.type, 'resource.id');
  }
}

function identifiersOf(resource: ResourceJson | undefined): Set<string> {
  return new Set(
    objectsOf(resource?.identifier).flatMap(({ system, value }) => {
      const given = stringOf(value);
      return given === undefined ? [] : [`${stringOf(system) ?? ''}|${given}`];
    }),
  );
}
