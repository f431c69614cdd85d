import { formatUri, type Section } from '../../contract/uris.ts';
import type { JsonObject } from '../../kernel/json.ts';
import {
  conceptText,
  displayName,
  type Element,
  objectOf,
  objectsOf,
  stringOf,
} from '../fhir/elements.ts';
import type { SourceRecord } from '../ports.ts';
import { sectionOf } from './sections.ts';

/** One record of a member, ready to be read. */
export interface MemberRecord {
  /** `Type/id`. */
  readonly key: string;
  readonly type: string;
  readonly id: string;
  readonly resource: JsonObject;
  readonly names: Readonly<Record<string, string>>;
  readonly section: Section;
  /** Of its source document. */
  readonly uri: string;
  /** Source system, as named at the intake. */
  readonly source: string;
}

/** The records of one member that one variant may show. */
export interface RecordSet {
  readonly all: readonly MemberRecord[];
  /** The day that the records have reached (time.ts); nothing is said of days without it. */
  readonly reached: string | undefined;
  of(...types: readonly string[]): MemberRecord[];
  /** What a reference is called: in the directory, in this set, or by its own display. */
  nameOf(reference: Element, record: MemberRecord): string | undefined;
}

/** In an order of their own, so that the order of arrival never shows. */
export function memberRecords(member: string, records: readonly SourceRecord[]): MemberRecord[] {
  return records.flatMap((record) => memberRecord(member, record) ?? []).sort(byKeys);
}

export function memberRecord(
  member: string,
  { type, id, resource, names, provenance }: SourceRecord,
): MemberRecord | undefined {
  if (resource === null) return undefined;
  const section = sectionOf(type, resource);
  const uri = formatUri({ kind: 'source', member, section, type, id });
  const { source } = provenance;
  return { key: `${type}/${id}`, type, id, resource, names, section, uri, source };
}

export function byKeys(a: MemberRecord, b: MemberRecord): number {
  return a.key < b.key ? -1 : 1;
}

/** Keys by whose names a record was read. */
const ASKED = new WeakMap<MemberRecord, Set<string>>();

function noteAsked(record: MemberRecord, key: string): void {
  const known = ASKED.get(record);
  if (known === undefined) ASKED.set(record, new Set([key]));
  else known.add(key);
}

/** Whether what was read of the record may read otherwise when records of these keys change. */
export function dependsOn(record: MemberRecord, keys: ReadonlySet<string>): boolean {
  const asked = ASKED.get(record);
  return asked !== undefined && !asked.isDisjointFrom(keys);
}

export function recordSet(all: readonly MemberRecord[], reached?: string): RecordSet {
  const byType = Map.groupBy(all, ({ type }) => type);
  const byKey = new Map(all.map((record) => [record.key, record]));
  return {
    all,
    reached,
    of: (...types) => types.flatMap((type) => byType.get(type) ?? []),
    nameOf(reference, record) {
      const { reference: target, display } = objectOf(reference);
      const key = stringOf(target) ?? '';
      noteAsked(record, key);
      const inside = byKey.get(key);
      return (
        (Object.hasOwn(record.names, key) ? record.names[key] : undefined) ??
        (inside && nameIn(inside.resource)) ??
        stringOf(display)
      );
    },
  };
}

/** What a record is about, in a few words; a coverage is called by its plan. */
function nameIn(resource: JsonObject): string | undefined {
  const { code, vaccineCode, title, description, class: classes } = resource;
  const plan = objectsOf(classes).find(({ type }) =>
    objectsOf(objectOf(type).coding).some((coding) => coding.code === 'plan'),
  );
  return (
    conceptText(code ?? vaccineCode) ??
    stringOf(title) ??
    stringOf(plan?.name) ??
    displayName(resource) ??
    conceptText(description)
  );
}
