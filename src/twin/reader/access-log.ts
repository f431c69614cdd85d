import { formatUri, type TwinUri } from '../../contract/uris.ts';
import { accessLogData } from '../documents/access-log.ts';
import { etagOf } from '../etag.ts';
import { PROJECTION_VERSION } from '../project.ts';
import type { Derived, ReaderParts } from './parts.ts';

/** Entries shown at most. */
const ENTRIES_MAX = 100;
const DAY_MS = 86_400_000;

/**
 * Who saw this twin: the audit trail of all instances as the member may know it. Reading it is an
 * entry as well, which shows once the day is over: else whoever reads would change what they read.
 */
export async function accessLog(
  parts: ReaderParts,
  uri: TwinUri & { kind: 'access-log' },
): Promise<Derived> {
  const { member } = uri;
  const nowMs = parts.clock.now();
  const quietBefore = nowMs - (nowMs % DAY_MS);
  const trail = await parts.audit.read({ member, limit: ENTRIES_MAX + 1, quietBefore });
  const { rows, complete } = trail;
  const data = accessLogData(member, rows.slice(0, ENTRIES_MAX), rows.length > ENTRIES_MAX);
  const name = formatUri(uri);
  const content = { uri: name, variant: 'general', fields: 'all', data, notices: [] } as const;
  return {
    uri: name,
    section: 'access-log',
    title: 'Access log',
    // Over the entries alone: how far the instances are, like a position, changes by itself.
    etag: etagOf(parts.etagKey, { ...content, projection: PROJECTION_VERSION }),
    recorded: new Date(nowMs).toISOString(),
    data: { ...data, completeUpTo: complete.map((one) => ({ ...one })) },
    notices: [],
    subject: { kind: 'member', id: member },
    disclosed: [],
  };
}
