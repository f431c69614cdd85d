import type { Finding } from '../fact.ts';
import type { MemberRecord, RecordSet } from '../records.ts';

/** Reads one record: what it says, for documents and for search alike. Never throws. */
export type Reading = (record: MemberRecord, set: RecordSet) => Finding;
