import type { Server, ServerContext } from '@modelcontextprotocol/server';
import { META } from '../contract/meta.ts';
import { Fault } from '../kernel/errors.ts';
import { LIMITS } from '../kernel/limits.ts';
import { type Answer, type Caller, type ReadOptions, withheldFrom } from '../twin/reader/index.ts';
import { protocolErrorOf } from './faults.ts';
import { freshen, freshnessMeta, freshnessOf } from './freshness.ts';
import { ICONS } from './icons.ts';
import { callerOf, type McpParts } from './parts.ts';

export const TEMPLATES = [
  {
    name: 'member-section',
    title: 'A section of a member’s twin',
    uriTemplate: 'mcp://twins/member/{memberId}/{section}',
    description: 'section: profile, coverage, care, clinical or financial.',
    mimeType: 'application/json',
  },
  {
    name: 'source-document',
    title: 'One source record with its provenance',
    uriTemplate: 'mcp://twins/member/{memberId}/{section}/{type}/{resourceId}',
    description: 'A FHIR resource as it was accepted; URIs come from documents and search.',
    mimeType: 'application/json',
  },
  {
    name: 'access-log',
    title: 'Who saw a member’s twin',
    uriTemplate: 'mcp://twins/member/{memberId}/access-log',
    description: 'Who, when, by which right; newest first. Made when it is read: no updates.',
    mimeType: 'application/json',
  },
  {
    name: 'practitioner-section',
    title: 'A section of a practitioner’s twin',
    uriTemplate: 'mcp://twins/practitioner/{practitionerId}/{section}',
    description: 'section: profile, schedule or panel. The panel is made when it is read.',
    mimeType: 'application/json',
  },
  {
    name: 'changes',
    title: 'What changed',
    uriTemplate: 'mcp://twins/changes/{cursor}',
    description:
      'The change feed for this caller. cursor: "now", "start", or the last page’s next.',
    mimeType: 'application/json',
  },
  {
    name: 'session',
    title: 'A Digital Session',
    uriTemplate: 'mcp://sessions/{sessionId}',
    description: 'A conversation of this caller, as chat gave it.',
    mimeType: 'application/json',
  },
] as const;

/** What the caller may read, and nothing of the rest: same error, same shape, same time. */
export function registerResources(server: Server, parts: McpParts): void {
  server.registerCapabilities({ resources: { subscribe: true } });
  server.setRequestHandler('resources/list', ({ params }, ctx) =>
    listResources(parts, callerOf(ctx), params?.cursor),
  );
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: TEMPLATES.map((template) => ({ ...template, icons: ICONS })),
  }));
  server.setRequestHandler('resources/read', ({ params }, ctx) =>
    readResource(parts, callerOf(ctx), params.uri, ctx.mcpReq),
  );
}

export async function listResources(parts: McpParts, caller: Caller, cursor: string | undefined) {
  try {
    const work = () => parts.reader.list(caller, cursor);
    const { result: page, breakGlass } = await parts.reader.withBanners(caller, work);
    const resources = page.documents.map(({ uri, section, title }) => ({
      uri,
      name: section,
      title,
      mimeType: 'application/json',
      annotations: { audience: ['user' as const, 'assistant' as const] },
    }));
    const withheld = withheldFrom(caller.principal);
    const meta = {
      ...(withheld.length > 0 && { [META.withheld]: withheld }),
      ...(breakGlass.length > 0 && { [META.breakGlass]: breakGlass }),
    };
    return {
      resources,
      ...(page.next !== undefined && { nextCursor: page.next }),
      ...(Object.keys(meta).length > 0 && { _meta: meta }),
    };
  } catch (error) {
    throw protocolErrorOf(parts, error, caller.correlationId);
  }
}

export async function readResource(
  parts: McpParts,
  caller: Caller,
  uri: string,
  { _meta: meta, signal }: Pick<ServerContext['mcpReq'], '_meta' | 'signal'>,
) {
  try {
    const options = { ...readOptionsOf(meta), signal };
    const check = await freshen(parts.checks, caller, uri, freshnessOf(meta), signal);
    return readResultOf(await parts.reader.read(caller, uri, options), freshnessMeta(check));
  } catch (error) {
    if (signal.aborted) throw new Fault('INVALID_REQUEST', { detail: 'Cancelled.' });
    throw protocolErrorOf(parts, error, caller.correlationId);
  }
}

/** `_meta` keys of a read (contract "Position, etag, cursor, meta"); a wrong one is an error. */
export function readOptionsOf(meta: Readonly<Record<string, unknown>> | undefined): ReadOptions {
  const minPosition = meta?.[META.minPosition];
  const allowBehind = meta?.[META.allowBehind];
  const position = typeof minPosition === 'string' && minPosition.length <= LIMITS.tokenCharsMax;
  if (minPosition !== undefined && !position) throw wrong(META.minPosition, 'a position');
  if (allowBehind !== undefined && typeof allowBehind !== 'boolean') {
    throw wrong(META.allowBehind, 'true or false');
  }
  return { ...(position && { minPosition }), ...(allowBehind !== undefined && { allowBehind }) };
}

function wrong(key: string, wanted: string): Fault {
  return new Fault('INVALID_ARGUMENT', { detail: `_meta["${key}"] must be ${wanted}.` });
}

function readResultOf(
  { document, ttlMs, behind, withheld = [], breakGlass = [] }: Answer,
  more: Readonly<Record<string, unknown>>,
) {
  return {
    contents: [{ uri: document.uri, mimeType: 'application/json', text: JSON.stringify(document) }],
    ttlMs,
    cacheScope: 'private' as const,
    _meta: {
      [META.etag]: document.etag,
      [META.position]: document.position,
      ...more,
      ...(behind && { [META.behind]: true }),
      ...(withheld.length > 0 && { [META.withheld]: withheld }),
      ...(breakGlass.length > 0 && { [META.breakGlass]: breakGlass }),
    },
  };
}
