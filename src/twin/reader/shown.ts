import type { Variant } from '../../contract/documents.ts';
import { mayReadAnything, mayReadSection, missingToRead } from '../../contract/scopes.ts';
import { SECTIONS, type Section, type TwinUri } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import type { Principal } from '../ports.ts';
import { type Extent, purposeFor } from '../purposes.ts';

/**
 * What scopes and purpose of use leave of a section, before any relation is asked: both narrow and
 * never grant. Decided by the token alone, so it says nothing of any member.
 */
export function shownOf(principal: Principal, section: Section): Extent | undefined {
  if (!mayReadSection(principal.scopes, section)) return undefined;
  return purposeFor(principal).sections.get(section);
}

/** The same of scopes and a purpose that are only thought of; without scopes, of the purpose alone. */
export function shownTo(
  { scopes, purpose }: { scopes?: ReadonlySet<string> | undefined; purpose?: string | undefined },
  section: Section,
): Extent | undefined {
  if (scopes !== undefined && !mayReadSection(scopes, section)) return undefined;
  return purposeFor(purpose === undefined ? {} : { purpose }).sections.get(section);
}

export function isShown(principal: Principal, section: Section): boolean {
  return shownOf(principal, section) !== undefined;
}

/** The sections of which anything is shown. */
export function shownSections(
  principal: Principal,
  wanted: readonly Section[] = SECTIONS,
): Section[] {
  return wanted.filter((section) => isShown(principal, section));
}

/** Who is shown the minimum is shown nothing that is specially protected, whatever they may see. */
export function variantShown(principal: Principal, section: Section, sensitive: boolean): Variant {
  if (shownOf(principal, section) === 'minimal') return 'minimal';
  return sensitive ? 'full' : 'general';
}

/** Scopes and purpose narrow by the form of a URI alone. */
export function withinToken(principal: Principal, uri: TwinUri): boolean {
  return missingToRead(principal.scopes, uri).length === 0 && withinPurpose(principal, uri);
}

/** @throws Fault INSUFFICIENT_SCOPE or PURPOSE_REFUSED; neither says whether there is a document. */
export function requireToken(principal: Principal, uri: TwinUri): void {
  const scopes = missingToRead(principal.scopes, uri);
  if (scopes.length > 0) throw new Fault('INSUFFICIENT_SCOPE', { data: { scopes } });
  if (!withinPurpose(principal, uri)) throw new Fault('PURPOSE_REFUSED');
}

function withinPurpose(principal: Principal, uri: TwinUri): boolean {
  const { sections, accessLog } = purposeFor(principal);
  switch (uri.kind) {
    case 'section':
      return sections.has(uri.section);
    case 'source':
      // A record as it was accepted is never the minimum.
      return sections.get(uri.section) === 'all';
    case 'access-log':
      return accessLog;
    case 'practitioner':
      // A panel names members.
      return uri.section === 'panel' ? sections.has('profile') : sections.size > 0;
    case 'session':
    case 'changes':
      return sections.size > 0;
  }
}

/** What scopes and purpose of use left out (contract "withheld"): by section, and by which of both. */
export interface Withheld {
  readonly section: Section;
  readonly shown: 'nothing' | 'minimal';
  readonly by: 'scope' | 'purpose';
}

/**
 * Of these sections, what the token narrows. Never what a relation or the protection of records
 * does: it is the same for every member, existing or not.
 */
export function withheldFrom(
  principal: Principal,
  sections: readonly Section[] = SECTIONS,
): Withheld[] {
  if (!mayReadAnything(principal.scopes)) return [];
  const purpose = purposeFor(principal);
  return sections.flatMap((section): Withheld[] => {
    if (!mayReadSection(principal.scopes, section)) {
      return [{ section, shown: 'nothing', by: 'scope' }];
    }
    const extent = purpose.sections.get(section);
    if (extent === 'all') return [];
    return [{ section, shown: extent ?? 'nothing', by: 'purpose' }];
  });
}

/** What the token narrows of the document at a URI. */
export function withheldAt(principal: Principal, uri: TwinUri): Withheld[] {
  if (uri.kind === 'section' || uri.kind === 'source') {
    return withheldFrom(principal, [uri.section]);
  }
  if (uri.kind === 'practitioner') {
    return uri.section === 'panel' ? withheldFrom(principal, ['profile']) : [];
  }
  return uri.kind === 'changes' ? withheldFrom(principal) : [];
}
