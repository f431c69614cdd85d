import { Fault } from '../../kernel/errors.ts';
import type { ResourceJson } from '../ports.ts';
import { objectsOf, stringOf } from './elements.ts';
import type { BundleEntry, KnownRecords } from './records.ts';
import { refused } from './refusal.ts';

/** An entry with the id that it has with us. */
export interface Target {
  readonly entry: BundleEntry;
  readonly type: string;
  readonly id: string;
}

/** Where the references of a bundle may point to inside it. */
export interface Targets {
  readonly all: readonly Target[];
  readonly byUrl: ReadonlyMap<string, Target>;
  /** By `Type/id` as the source writes it. */
  readonly bySource: ReadonlyMap<string, Target>;
  /** By `Type/id` as we write it. */
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

export function targetsOf(entries: readonly BundleEntry[], known: KnownRecords): Targets {
  const byUrl = new Map<string, Target>();
  const bySource = new Map<string, Target>();
  const byOurs = new Map<string, Target>();
  const byIdentifier = new Map<string, Target | null>();
  const all = entries.map((entry): Target => {
    const target = { entry, type: entry.type, id: ourId(entry.type, entry.id, known, entry.index) };
    bySource.set(`${entry.type}/${entry.id}`, target);
    byOurs.set(`${target.type}/${target.id}`, target);
    if (entry.fullUrl !== undefined && entry.fullUrl !== '') byUrl.set(entry.fullUrl, target);
    for (const identifier of identifiersOf(entry.resource)) {
      const key = `${entry.type}|${identifier}`;
      byIdentifier.set(key, byIdentifier.has(key) ? null : target);
    }
    return target;
  });
  return { all, byUrl, bySource, byOurs, byIdentifier };
}

/** Our id of a source's; a refusal names the entry that would need it. */
export function ourId(type: string, id: string, known: KnownRecords, entry: number): string {
  try {
    return type === 'Patient' ? known.memberId(id) : known.resourceId(type, id);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'REFUSED_INPUT') throw error;
    const reason = typeof error.data.reason === 'string' ? error.data.reason : 'id';
    throw refused({ entry, path: 'resource.id', reason, says: error.message });
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
