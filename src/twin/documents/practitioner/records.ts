import { formatUri } from '../../../contract/uris.ts';
import type { SourceRecord } from '../../ports.ts';
import { type MemberRecord, type RecordSet, recordSet } from '../records.ts';

/** Types that the schedule is made of; everything else tells who the practitioner is. */
const SCHEDULED = new Set(['Schedule', 'Slot', 'Appointment']);

/**
 * The records of one practitioner, in an order of their own. They have no source documents: a fact
 * leads to the document that it stands in.
 */
export function practitionerRecords(id: string, records: readonly SourceRecord[]): RecordSet {
  const own = records.flatMap(
    ({ type, id: record, resource, names, provenance }): MemberRecord[] => {
      if (resource === null) return [];
      const section = SCHEDULED.has(type) ? 'schedule' : 'profile';
      const uri = formatUri({ kind: 'practitioner', practitioner: id, section });
      const key = `${type}/${record}`;
      const { source } = provenance;
      return [{ key, type, id: record, resource, names, section: 'profile', uri, source }];
    },
  );
  return recordSet(own.sort((a, b) => (a.key < b.key ? -1 : 1)));
}
