import type { Variant } from '../contract/documents.ts';
import { memberRecords } from './documents/records.ts';
import { etagOf, sourceDocument } from './etag.ts';
import type { SourceRecord } from './ports.ts';
import { PROJECTION_VERSION } from './project.ts';

/** Of what stands at a source document's URI, as a reader gets it in this variant. */
export function sourceEtag(
  key: Uint8Array,
  uri: string,
  variant: Variant,
  { data, notices }: Pick<ReturnType<typeof sourceDocument>, 'data' | 'notices'>,
): string {
  const parts = { uri, variant, fields: 'all', projection: PROJECTION_VERSION, data, notices };
  return etagOf(key, parts);
}

const VARIANTS = ['general', 'full'] as const satisfies readonly Variant[];

/**
 * The etags that readers get of a member's record as its source document, one a variant: what a
 * precondition may name. None of a tombstone, and of what is no member's.
 */
export function sourceEtags(key: Uint8Array, record: SourceRecord): readonly string[] {
  if (record.resource === null || record.subject.kind !== 'member') return [];
  const [known] = memberRecords(record.subject.id, [record]);
  if (known === undefined) return [];
  const { uri, section } = known;
  return VARIANTS.map((variant) => {
    const shown = sourceDocument({ ...record, section, sensitive: false }, variant);
    return sourceEtag(key, uri, variant, shown);
  });
}
