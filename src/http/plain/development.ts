import { timingSafeEqual } from 'node:crypto';
import type { Express, Request } from 'express';
import { Fault } from '../../kernel/errors.ts';
import { isObject } from '../../kernel/json.ts';
import { parseJson, readBody } from '../body.ts';
import type { DevelopmentDesk, HttpParts } from '../parts.ts';
import { sendJson } from '../respond.ts';

const BODY_BYTES_MAX = 8 * 1024;
/** A stream that says nothing; open as long as somebody needs the server. */
export const HOLD_PATH = '/oauth/dev/hold';

const FOREIGN = 'Tokens come from OAUTH_ISSUER alone: give one with --token or DIGITAL_TWIN_TOKEN.';

/**
 * Development only: whoever can read `DATA_DIR/server.json` (mode 0600) may have tokens made, and
 * may hold the server open for as long as its bridge runs.
 */
export function developmentRoutes(app: Express, parts: HttpParts, desk: DevelopmentDesk): void {
  app.post('/oauth/dev/token', async (req, res) => {
    requireKey(desk, req);
    if (desk.mint === undefined) throw new Fault('NOT_FOUND', { detail: FOREIGN });
    const body = parseJson(await readBody(req, ['application/json'], BODY_BYTES_MAX));
    if (!isObject(body)) throw new Fault('INVALID_ARGUMENT', { detail: 'Send { "as": "ana" }.' });
    const token = await desk.mint(body);
    await parts.audit.append({
      action: 'token',
      outcome: 'success',
      correlationId: String(res.locals.correlationId),
      // Whose token it is: the issuer has taken it for a subject.
      what: [{ uri: String(body.as) }],
      why: 'development key',
    });
    sendJson(res, 200, token);
  });
  app.post('/oauth/dev/login-code', async (req, res) => {
    requireKey(desk, req);
    const { authorizationServer: server } = desk;
    if (server === undefined) throw new Fault('NOT_FOUND', { detail: FOREIGN });
    const body = parseJson(await readBody(req, ['application/json'], BODY_BYTES_MAX));
    if (!isObject(body)) throw new Fault('INVALID_ARGUMENT', { detail: 'Send { "as": "ana" }.' });
    sendJson(res, 200, server.loginCode(body));
  });
  app.get(HOLD_PATH, (req, res) => {
    requireKey(desk, req);
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.flushHeaders();
  });
}

function requireKey({ key }: DevelopmentDesk, req: Request): void {
  const given = Buffer.from(req.get('authorization') ?? '');
  const wanted = Buffer.from(`Bearer ${key}`);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new Fault('UNAUTHENTICATED', { detail: 'The key of DATA_DIR/server.json is needed.' });
}
