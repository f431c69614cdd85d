import { parseUri } from '../../contract/uris.ts';
import { authorizeAll } from './authorize.ts';
import { load } from './load.ts';
import type { Caller, ReaderParts } from './parts.ts';

const RECEIPTS_MS = 24 * 3_600_000;

/**
 * For `_meta` of tool results: what this caller read and would now read differently. Goes with every
 * tool call, so it loads only what has changed at all since then.
 */
export async function changedSinceRead(
  parts: ReaderParts,
  { principal }: Caller,
): Promise<{ uri: string; etag: string }[]> {
  const receipts = parts.receipts.of(principal);
  const at = parts.clock.now() - RECEIPTS_MS;
  const changes = parts.view.shards().flatMap((one) => one.recentChanges([...receipts.keys()], at));
  const moved = new Set(
    changes.filter(({ uri, etag }) => receipts.get(uri) !== etag).map(({ uri }) => uri),
  );
  const read = [...receipts].flatMap(([text, etag]) => {
    const uri = moved.has(text) ? parseUri(text) : null;
    return uri === null ? [] : [{ uri, text, etag }];
  });
  if (read.length === 0) return [];
  const grants = await authorizeAll(
    parts,
    principal,
    read.map(({ uri }) => uri),
  );
  return read.flatMap(({ uri, text, etag }, index) => {
    const grant = grants[index];
    if (grant?.allowed !== true) return [];
    const now = load(parts.view, parts.etagKey, uri, grant.variant);
    return now === undefined || now.etag === etag ? [] : [{ uri: text, etag: now.etag }];
  });
}
