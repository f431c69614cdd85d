import type { Express, Request, Response } from 'express';
import { LIMITS } from '../../kernel/limits.ts';
import { readBody } from '../body.ts';
import type { AuthorizationServer } from '../parts.ts';
import { sendJson } from '../respond.ts';

/** RFC 8414 §3: of an issuer without a path. */
const METADATA = '/.well-known/oauth-authorization-server';
const FORM = ['application/x-www-form-urlencoded'];

/** The authorization server for development: its metadata, and what stands below `/oauth/`. */
export function authorizationServerRoutes(app: Express, server: AuthorizationServer): void {
  app.get(METADATA, (_req, res) => sendJson(res, 200, server.metadata()));
  const hand = async (req: Request, res: Response, body?: Buffer): Promise<void> =>
    await server.handle({ req, res, body, correlationId: String(res.locals.correlationId) });
  const pages = ['/oauth/authorize', '/oauth/authorize/:uid', '/oauth/interaction/:uid'];
  app.get([...pages, '/oauth/jwks'], (req, res) => hand(req, res));
  app.post(['/oauth/token', '/oauth/revoke', '/oauth/interaction/:uid/:step'], async (req, res) =>
    hand(req, res, await readBody(req, FORM, LIMITS.issuer.formBytesMax)),
  );
  app.post('/oauth/register', async (req, res) =>
    hand(req, res, await readBody(req, ['application/json'], LIMITS.issuer.registrationBytesMax)),
  );
}
