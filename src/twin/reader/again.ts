import { parseUri } from '../../contract/uris.ts';
import type { AuditEntry, Principal } from '../ports.ts';
import { authorizeAll } from './authorize.ts';
import { isDerived } from './derived.ts';
import { load } from './load.ts';
import type { Caller, ReaderParts } from './parts.ts';

/**
 * Whether an answer may be told a second time: everything that it showed would be shown to this
 * caller now, in the same words. Then it is recorded again as what it was, since it may be read
 * again; the bytes may leave once this resolves.
 *
 * The answer is not made anew: a chat would be held twice. So an answer that a change has made old
 * is not told either, for this caller may have been told of the change already (promise P3); and
 * nothing that is made when it is read (a panel, an access log), which has nothing to compare.
 */
export async function showAgain(
  parts: ReaderParts,
  caller: Caller,
  shown: readonly AuditEntry[],
): Promise<boolean> {
  const what = shown.flatMap((entry) => entry.what);
  if (!(await stands(parts, caller.principal, what))) {
    const why = 'told again: no longer as it was';
    await parts.audit.append({ action: 'session', outcome: 'denied', ...caller, what, why });
    return false;
  }
  for (const entry of shown) {
    await parts.audit.append({ ...entry, ...caller, why: `${entry.why}, told again` });
  }
  return true;
}

async function stands(
  parts: ReaderParts,
  principal: Principal,
  what: AuditEntry['what'],
): Promise<boolean> {
  const asked = what.flatMap(({ uri: text, etag }) => {
    const uri = parseUri(text);
    return uri === null || isDerived(uri) ? [] : [{ uri, etag }];
  });
  if (asked.length < what.length) return false;
  const uris = asked.map(({ uri }) => uri);
  const grants = await authorizeAll(parts, principal, uris);
  return asked.every(({ uri, etag }, index) => {
    const grant = grants[index];
    if (grant?.allowed !== true) return false;
    // Named, not shown: the right to it is all there is to compare.
    if (etag === undefined || uri.kind === 'changes') return true;
    return load(parts.view, parts.etagKey, uri, grant.variant)?.etag === etag;
  });
}
