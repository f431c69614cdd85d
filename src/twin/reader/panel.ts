import { formatUri, type TwinUri } from '../../contract/uris.ts';
import { isObject, type Json } from '../../kernel/json.ts';
import { type PanelMember, panelData } from '../documents/practitioner/panel.ts';
import { etagOf } from '../etag.ts';
import type { Principal } from '../ports.ts';
import { PROJECTION_VERSION } from '../project.ts';
import { viewSection, viewSensitive } from '../subjects.ts';
import { load } from './load.ts';
import type { Derived, ReaderParts } from './parts.ts';
import { isShown, variantShown } from './shown.ts';

/** Members shown at most; beyond it people are found by name. */
const MEMBERS_MAX = 500;

/**
 * A practitioner's panel, for this caller: members who are related to the practitioner and whose
 * profile the caller may read. Nobody learns of the others, not even how many there are.
 */
export async function panel(
  parts: ReaderParts,
  principal: Principal,
  uri: TwinUri & { kind: 'practitioner' },
): Promise<Derived> {
  const related = await parts.panelOf(uri.practitioner);
  const readable = await readableOf(parts, principal, related);
  const shown = readable.slice(0, MEMBERS_MAX);
  const data = panelData(shown, readable.length - shown.length);
  const name = formatUri(uri);
  const content = { uri: name, variant: 'general', fields: 'all', data, notices: [] } as const;
  return {
    uri: name,
    section: uri.section,
    title: 'Panel',
    etag: etagOf(parts.etagKey, { ...content, projection: PROJECTION_VERSION }),
    recorded: new Date(parts.clock.now()).toISOString(),
    data,
    notices: [],
    subject: { kind: 'practitioner', id: uri.practitioner },
    // Names are disclosed, so each member's own access log has to tell of it.
    disclosed: shown.map(({ profile }) => ({ uri: profile })),
  };
}

async function readableOf(
  parts: ReaderParts,
  principal: Principal,
  members: readonly string[],
): Promise<PanelMember[]> {
  if (!isShown(principal, 'profile')) return [];
  const ids = [...new Set(members)].sort();
  const items = ids.flatMap((id) => [viewSection(id, 'profile'), viewSensitive(id)]);
  const decisions = await parts.access.check(principal, items);
  return ids.flatMap((member, index) => {
    if (decisions[index * 2]?.allowed !== true) return [];
    const sensitive = decisions[index * 2 + 1]?.allowed === true;
    const variant = variantShown(principal, 'profile', sensitive);
    const uri = { kind: 'section', member, section: 'profile' } as const;
    const subject = { kind: 'member', id: member } as const;
    const tenant = parts.view.for(parts.view.partitionOf(subject)).tenantOf(subject);
    const profile = load(parts.view, parts.etagKey, uri, variant);
    if (profile === undefined || tenant !== principal.tenant) return [];
    const identity = profile.data.identity;
    return [
      {
        member,
        name: textIn(identity, 'title') ?? '',
        birthDate: textIn(identity, 'birthDate'),
        profile: profile.uri,
      },
    ];
  });
}

function textIn(value: Json | undefined, key: string): string | undefined {
  const text = isObject(value) ? value[key] : undefined;
  return typeof text === 'string' ? text : undefined;
}
