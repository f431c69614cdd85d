import type { Principal, StoredDocument, ViewChange } from '../ports.ts';
import type { ReaderParts } from './parts.ts';
import { withinToken } from './shown.ts';

/** Sections that the view holds; the panel is made when it is read. */
const STORED = ['profile', 'schedule'] as const;

/** Which stored documents of a practitioner a caller may read, by practitioner id. */
export type ReadablePractitioners = ReadonlyMap<string, ReadonlySet<string>>;

export async function readablePractitioners(
  { access }: Pick<ReaderParts, 'access'>,
  principal: Principal,
): Promise<ReadablePractitioners> {
  const readable = new Map<string, Set<string>>();
  const any = { kind: 'practitioner', practitioner: '', section: 'profile' } as const;
  if (!withinToken(principal, any)) return readable;
  const bySection = await Promise.all(
    STORED.map((section) => access.lookup(principal, `view_${section}`, 'practitioner')),
  );
  for (const [index, section] of STORED.entries()) {
    for (const id of bySection[index] ?? []) {
      readable.set(id, (readable.get(id) ?? new Set<string>()).add(section));
    }
  }
  return readable;
}

/** Whether a document of a practitioner, or a change of it, is one that the caller may know of. */
export function isOfReadable(
  readable: ReadablePractitioners,
  principal: Principal,
  { subject, section, tenant }: Pick<StoredDocument | ViewChange, 'subject' | 'section' | 'tenant'>,
): boolean {
  if (subject.kind !== 'practitioner' || tenant !== principal.tenant) return false;
  return readable.get(subject.id)?.has(section) === true;
}

/** Those after `after` in URI order. */
export function practitionerDocuments(
  { view }: Pick<ReaderParts, 'view'>,
  readable: ReadablePractitioners,
  principal: Principal,
  after: string,
): StoredDocument[] {
  const subjects = [...readable.keys()].map((id) => ({ kind: 'practitioner', id }) as const);
  return view.shards().flatMap((shard) =>
    shard
      .documents(
        subjects.filter((subject) => view.for(view.partitionOf(subject)) === shard),
        after,
        Number.MAX_SAFE_INTEGER,
      )
      .filter((document) => isOfReadable(readable, principal, document)),
  );
}
