import type { Express, Request, Response } from 'express';
import { searchInput } from '../../contract/documents.ts';
import { Fault } from '../../kernel/errors.ts';
import { type Caller, withheldFrom } from '../../twin/reader/index.ts';
import type { HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';
import { breakGlassHeader } from './break-glass-header.ts';
import type { Guarded } from './guarded.ts';
import { integerOf, queryOf, required } from './query.ts';
import { withheldHeader } from './withheld.ts';

/** Plain reads: the same door as MCP, with the headers of HTTP. */
export function twinRoutes(app: Express, parts: HttpParts, guarded: Guarded): void {
  app.get(
    '/v1/twins/:kind/:id/:section',
    guarded('read', (req, res, caller) => readSection(parts, req, res, caller)),
  );
  app.get(
    '/v1/search',
    guarded('search', async (req, res, caller) => {
      const input = searchInputOf(req);
      const work = () => parts.reader.search(caller, input);
      const { result, breakGlass } = await parts.reader.withBanners(caller, work);
      sendJson(res, 200, result, {
        ...withheldHeader(withheldFrom(caller.principal, input.sections)),
        ...breakGlassHeader(breakGlass),
      });
    }),
  );
}

async function readSection(
  { reader }: HttpParts,
  req: Request,
  res: Response,
  caller: Caller,
): Promise<void> {
  queryOf(req, []);
  const { kind, id, section } = req.params;
  const minPosition = req.get('min-position');
  const uri = `mcp://twins/${kind}/${id}/${section}`;
  const answer = await reader.read(caller, uri, minPosition === undefined ? {} : { minPosition });
  const { document, ttlMs } = answer;
  const headers = {
    etag: document.etag,
    position: document.position,
    ...withheldHeader(answer.withheld),
    ...breakGlassHeader(answer.breakGlass),
    'cache-control': `private, max-age=${Math.floor(ttlMs / 1000)}`,
  };
  const known = req
    .get('if-none-match')
    ?.split(',')
    .map((etag) => etag.trim());
  if (known?.includes(document.etag) !== true) return sendJson(res, 200, document, headers);
  res.writeHead(304, headers).end();
}

function searchInputOf(req: Request) {
  const names = ['q', 'member', 'sections', 'types', 'since', 'limit', 'budget', 'cursor'] as const;
  const query = queryOf(req, names);
  const { member, since, cursor } = query;
  const input = {
    query: required(query, 'q'),
    ...(member !== undefined && { member }),
    ...(since !== undefined && { since }),
    ...(cursor !== undefined && { cursor }),
    ...(query.sections !== undefined && { sections: query.sections.split(',') }),
    ...(query.types !== undefined && { types: query.types.split(',') }),
    ...(query.limit !== undefined && { limit: integerOf('limit', query.limit, 1, 50) }),
    ...(query.budget !== undefined && { budget: integerOf('budget', query.budget, 100, 20_000) }),
  };
  const parsed = searchInput.safeParse(input);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map(({ path }) => path.join('.')).join(', ');
  throw new Fault('INVALID_ARGUMENT', { detail: `Wrong search parameters: ${where}.` });
}
