import { formatUri, type TwinUri } from '../../contract/uris.ts';
import { accessLogData } from '../documents/access-log.ts';
import { etagOf } from '../etag.ts';
import { PROJECTION_VERSION } from '../project.ts';
import type { Derived, ReaderParts } from './parts.ts';

/** Entries shown at most. */
const ENTRIES_MAX = 100;

/** Who saw this twin: the audit trail as the member may know it. Reading it is an entry as well. */
export async function accessLog(
  parts: ReaderParts,
  uri: TwinUri & { kind: 'access-log' },
): Promise<Derived> {
  const { member } = uri;
  const trail = await parts.audit.read({ member, limit: ENTRIES_MAX + 1 });
  const data = accessLogData(member, trail.slice(0, ENTRIES_MAX), trail.length > ENTRIES_MAX);
  const name = formatUri(uri);
  const content = { uri: name, variant: 'general', fields: 'all', data, notices: [] } as const;
  return {
    uri: name,
    section: 'access-log',
    title: 'Access log',
    etag: etagOf(parts.etagKey, { ...content, projection: PROJECTION_VERSION }),
    recorded: new Date(parts.clock.now()).toISOString(),
    data,
    notices: [],
    subject: { kind: 'member', id: member },
    disclosed: [],
  };
}
