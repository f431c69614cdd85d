import { parseUri } from '../../contract/uris.ts';
import { authorizeAll } from './authorize.ts';
import { load } from './load.ts';
import type { Caller, ReaderParts } from './parts.ts';

/** For `_meta` of tool results: what this caller read and would now read differently. */
export async function changedSinceRead(
  parts: ReaderParts,
  { principal }: Caller,
): Promise<{ uri: string; etag: string }[]> {
  const read = [...parts.receipts.of(principal)].flatMap(([text, etag]) => {
    const uri = parseUri(text);
    return uri === null ? [] : [{ uri, text, etag }];
  });
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
