import { parseUri } from '../../contract/uris.ts';
import type { Principal } from '../ports.ts';
import { authorizeAll } from './authorize.ts';
import { type Loaded, load } from './load.ts';
import type { ReaderParts } from './parts.ts';

/**
 * A session without those of its citations that its owner may not read any more: what was cited
 * from the `full` variant tells of a protected record.
 */
export async function withReadableCitations(
  parts: ReaderParts,
  principal: Principal,
  session: Loaded,
): Promise<Loaded> {
  const { sources } = session.data;
  const cited = (Array.isArray(sources) ? sources : [])
    .map((uri) => parseUri(String(uri)))
    .filter((uri) => uri !== null);
  const grants = await authorizeAll(parts, principal, cited);
  const readable = cited.flatMap((uri, index) => {
    const grant = grants[index];
    const loaded = grant?.allowed === true && load(parts.view, parts.etagKey, uri, grant.variant);
    return loaded ? [loaded.uri] : [];
  });
  return { ...session, data: { ...session.data, sources: readable } };
}
