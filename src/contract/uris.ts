/**
 * The URIs of the product (design §4).
 *
 * A URI is accepted in its canonical form only: `new URL(u).href === u` and every id by its rule.
 * Anything else is `null`, which a caller meets as "not found": the MCP SDK dispatches on the
 * normalised URL, so a check on the raw string would be a bypass (security.md §0.5).
 */

export const SECTIONS = ['profile', 'coverage', 'care', 'clinical', 'financial'] as const;
export type Section = (typeof SECTIONS)[number];

export const PRACTITIONER_SECTIONS = ['profile', 'panel', 'schedule'] as const;
export type PractitionerSection = (typeof PRACTITIONER_SECTIONS)[number];

/** Member, practitioner and resource ids (contract "Identity"): at most 64 characters. */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
/** FHIR resource type names. */
export const TYPE_PATTERN = /^[A-Z][A-Za-z]{1,63}$/;
/** A Digital Session handle: 128 random bits in lower-case base32. */
export const SESSION_PATTERN = /^[a-z2-7]{26}$/;
export const CURSOR_PATTERN = /^[A-Za-z0-9_-]{1,2048}$/;

/** The longest canonical URI: the changes URI with the longest cursor. */
export const URI_CHARS_MAX = 'mcp://twins/changes/'.length + 2048;

export type TwinUri =
  | { readonly kind: 'section'; readonly member: string; readonly section: Section }
  | {
      readonly kind: 'source';
      readonly member: string;
      readonly section: Section;
      readonly type: string;
      readonly id: string;
    }
  | { readonly kind: 'access-log'; readonly member: string }
  | {
      readonly kind: 'practitioner';
      readonly practitioner: string;
      readonly section: PractitionerSection;
    }
  | { readonly kind: 'changes'; readonly cursor: string }
  | { readonly kind: 'session'; readonly session: string };

export function isId(text: string): boolean {
  return ID_PATTERN.test(text);
}

export function isSection(text: string): text is Section {
  return (SECTIONS as readonly string[]).includes(text);
}

/** Parses a canonical URI; `null` for every other string. */
export function parseUri(raw: string): TwinUri | null {
  if (raw.length > URI_CHARS_MAX || !isCanonical(raw)) return null;
  const [root, ...path] = raw.slice('mcp://'.length).split('/');
  if (root === 'sessions') return parseSession(path);
  if (root !== 'twins') return null;
  const [kind, ...rest] = path;
  if (kind === 'member') return parseMember(rest);
  if (kind === 'practitioner') return parsePractitioner(rest);
  if (kind === 'changes') return parseChanges(rest);
  return null;
}

export function formatUri(uri: TwinUri): string {
  switch (uri.kind) {
    case 'section':
      return `mcp://twins/member/${uri.member}/${uri.section}`;
    case 'source':
      return `mcp://twins/member/${uri.member}/${uri.section}/${uri.type}/${uri.id}`;
    case 'access-log':
      return `mcp://twins/member/${uri.member}/access-log`;
    case 'practitioner':
      return `mcp://twins/practitioner/${uri.practitioner}/${uri.section}`;
    case 'changes':
      return `mcp://twins/changes/${uri.cursor}`;
    case 'session':
      return `mcp://sessions/${uri.session}`;
  }
}

function isCanonical(raw: string): boolean {
  if (!raw.startsWith('mcp://')) return false;
  const url = URL.parse(raw);
  return url !== null && url.href === raw && url.search === '' && url.hash === '';
}

function parseMember(path: string[]): TwinUri | null {
  const [member, section, type, id, ...more] = path;
  if (member === undefined || !isId(member) || section === undefined || more.length > 0)
    return null;
  if (section === 'access-log') return type === undefined ? { kind: 'access-log', member } : null;
  if (!isSection(section)) return null;
  if (type === undefined) return { kind: 'section', member, section };
  if (id === undefined || !TYPE_PATTERN.test(type) || !isId(id)) return null;
  return { kind: 'source', member, section, type, id };
}

function parsePractitioner(path: string[]): TwinUri | null {
  const [practitioner, name, ...more] = path;
  if (practitioner === undefined || !isId(practitioner) || more.length > 0) return null;
  const section = PRACTITIONER_SECTIONS.find((known) => known === name);
  return section === undefined ? null : { kind: 'practitioner', practitioner, section };
}

function parseChanges(path: string[]): TwinUri | null {
  const [cursor, ...more] = path;
  if (cursor === undefined || more.length > 0 || !CURSOR_PATTERN.test(cursor)) return null;
  return { kind: 'changes', cursor };
}

function parseSession(path: string[]): TwinUri | null {
  const [session, ...more] = path;
  if (session === undefined || more.length > 0 || !SESSION_PATTERN.test(session)) return null;
  return { kind: 'session', session };
}
