import { LIMITS } from '../../kernel/limits.ts';
import { wrongCursor } from '../cursor.ts';
import type { StoredDocument } from '../ports.ts';
import type { Caller, ReaderParts } from './parts.ts';
import { practitionerDocuments, readablePractitioners } from './practitioners.ts';
import { type ReadableSections, readableMembers } from './readable.ts';

export interface ListedDocument {
  readonly uri: string;
  readonly section: string;
  readonly title: string;
}

export interface ListPage {
  readonly documents: readonly ListedDocument[];
  readonly next?: string;
}

/** Members whose documents are loaded at a time. */
const MEMBERS_AT_A_TIME = 50;

/** The stored documents that the caller may read, in URI order, a page at a time. */
export async function list(parts: ReaderParts, caller: Caller, cursor?: string): Promise<ListPage> {
  const after = cursor === undefined ? '' : openCursor(parts, caller, cursor);
  const readable = await readableMembers(parts, caller.principal);
  const practitioners = await readablePractitioners(parts, caller.principal);
  const found = [
    ...documentsAfter(parts, readable, after, LIMITS.pageSize + 1),
    ...practitionerDocuments(parts, practitioners, caller.principal, after),
  ].sort((a, b) => (a.uri < b.uri ? -1 : 1));
  const page = found.slice(0, LIMITS.pageSize);
  const last = page.at(-1);
  await parts.audit.append({
    action: 'list',
    outcome: 'success',
    ...caller,
    what: page.map(({ uri, etag, variant }) => ({ uri, etag, variant })),
    why: 'view permissions by lookup',
  });
  const more = found.length > page.length && last !== undefined;
  const documents = page.map(({ uri, section, title }) => ({ uri, section, title }));
  if (!more) return { documents };
  return { documents, next: parts.cursors.seal('list', caller.principal, { after: last.uri }) };
}

function openCursor(parts: ReaderParts, { principal }: Caller, cursor: string): string {
  const payload = parts.cursors.open('list', principal, cursor);
  if (payload === 'expired' || typeof payload.after !== 'string') throw wrongCursor();
  return payload.after;
}

/** URI order is member order, so members before the cursor's are passed over unread. */
function documentsAfter(
  { view }: ReaderParts,
  readable: ReadonlyMap<string, ReadableSections>,
  after: string,
  limit: number,
): StoredDocument[] {
  const members = [...readable.keys()].filter((id) => `mcp://twins/member/${id}/~` > after);
  const found: StoredDocument[] = [];
  while (members.length > 0 && found.length < limit) {
    const subjects = members
      .splice(0, MEMBERS_AT_A_TIME)
      .map((id) => ({ kind: 'member', id }) as const);
    for (const shard of view.shards()) {
      const own = subjects.filter((subject) => view.for(view.partitionOf(subject)) === shard);
      found.push(...shard.documents(own, after, Number.MAX_SAFE_INTEGER).filter(isReadable));
    }
    found.sort((a, b) => (a.uri < b.uri ? -1 : 1));
  }
  return found.slice(0, limit);

  function isReadable({ subject, section, variant }: StoredDocument): boolean {
    const sections: ReadonlyMap<string, string> | undefined = readable.get(subject.id);
    return sections?.get(section) === variant;
  }
}
