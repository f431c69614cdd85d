import { Fault } from '../kernel/errors.ts';
import type { BundleEntry } from '../twin/fhir/records.ts';
import type { SourceRecord } from '../twin/ports.ts';

/**
 * Whether a record may be written, by what its writer said of the present one: decided inside the
 * transaction that writes, so that of two who name the same etag one is refused.
 * @param latest answers the latest record of the key, where there is one that is no tombstone; asked
 *   only where there is a precondition, since most writes have none
 * @param etagsOf by which readers may know it
 * @throws Fault PRECONDITION_FAILED with the present etag in `data.etag`, where there is one
 */
export function requirePrecondition(
  { precondition, type, index }: BundleEntry,
  latest: () => SourceRecord | undefined,
  etagsOf: (record: SourceRecord) => readonly string[],
): void {
  if (precondition === undefined) return;
  const present = latest();
  const etags = present === undefined ? [] : etagsOf(present);
  const holds =
    precondition.kind === 'absent'
      ? present === undefined
      : etags.some((etag) => opaque(etag) === opaque(precondition.etag));
  if (holds) return;
  const [etag] = etags;
  const says = present === undefined ? 'there is no such record' : 'the record is another by now';
  const detail = `Entry ${index}: ${says}, so nothing was stored; read it and decide again.`;
  const data = { entry: index, type, ...(etag !== undefined && { etag }) };
  throw new Fault('PRECONDITION_FAILED', { detail, data });
}

/** `W/"x"` and `"x"` name the same version (FHIR R4 §3.1.0.1.10 writes the first). */
function opaque(etag: string): string {
  return etag.replace(/^W\//, '');
}
