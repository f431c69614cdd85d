import type { Variant } from '../../contract/documents.ts';
import { SECTIONS, type Section } from '../../contract/uris.ts';
import type { Principal } from '../ports.ts';
import { viewSection, viewSensitive } from '../subjects.ts';
import type { ReaderParts } from './parts.ts';
import { shownSections, variantShown } from './shown.ts';

/** Which sections of a member a caller may read, each in its variant. */
export type ReadableSections = ReadonlyMap<Section, Variant>;

/** By member id, in the order of their URIs. Decided before anything is counted, ranked or limited. */
export async function readableMembers(
  { access }: Pick<ReaderParts, 'access'>,
  principal: Principal,
  wanted: readonly Section[] = SECTIONS,
): Promise<Map<string, ReadableSections>> {
  const sections = shownSections(principal, wanted);
  const [sensitive, ...bySection] = await Promise.all([
    access.lookup(principal, 'view_sensitive', 'member'),
    ...sections.map((section) => access.lookup(principal, `view_${section}`, 'member')),
  ]);
  const full = new Set(sensitive);
  const members = new Map<string, Map<Section, Variant>>();
  for (const [index, section] of sections.entries()) {
    for (const member of bySection[index] ?? []) {
      const own = members.get(member) ?? new Map<Section, Variant>();
      members.set(member, own.set(section, variantShown(principal, section, full.has(member))));
    }
  }
  return new Map([...members].sort(([a], [b]) => (`${a}/` < `${b}/` ? -1 : 1)));
}

/** The same for one member, by direct checks. */
export async function readableSections(
  { access }: Pick<ReaderParts, 'access'>,
  principal: Principal,
  member: string,
  wanted: readonly Section[] = SECTIONS,
): Promise<ReadableSections> {
  const sections = shownSections(principal, wanted);
  const items = sections.map((section) => viewSection(member, section));
  const decisions = await access.check(principal, [viewSensitive(member), ...items]);
  const sensitive = decisions[0]?.allowed === true;
  return new Map(
    sections
      .filter((_, index) => decisions[index + 1]?.allowed === true)
      .map((section) => [section, variantShown(principal, section, sensitive)]),
  );
}
