import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type ErrorRequestHandler, type Request } from 'express';
import {
  missingScopes,
  type Operation,
  requiredScopes,
  requiredToRead,
} from '../../contract/scopes.ts';
import { parseUri } from '../../contract/uris.ts';
import { asFault, Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import { challengeOf } from '../challenge.ts';
import { pageRoutes } from '../pages/index.ts';
import type { HttpParts, PlainParts } from '../parts.ts';
import { isForTheLog, plainError, retryHeaders, sendJson } from '../respond.ts';
import { agentRoutes } from './agents.ts';
import { auditRoutes } from './audit.ts';
import { authorizationServerRoutes } from './authorization-server.ts';
import { breakGlassRoutes } from './break-glass.ts';
import { changeRoutes } from './changes.ts';
import { deidentifiedRoutes } from './deidentified.ts';
import { developmentRoutes } from './development.ts';
import { deadLetterRoutes } from './dlq.ts';
import { eligibilityRoutes } from './eligibility.ts';
import { eligibilityBatchRoutes } from './eligibility-batches.ts';
import { enrollmentRoutes } from './enrollments.ts';
import { eventRoutes } from './events.ts';
import { flagRoutes } from './flags.ts';
import type { Guarded } from './guarded.ts';
import { keepingRoutes } from './keeping.ts';
import { operationRoutes } from './operations.ts';
import { operatorRoutes } from './operators.ts';
import { pusherRoutes } from './pusher.ts';
import { realtimeRoutes } from './realtime.ts';
import { replayRoutes } from './replays.ts';
import { schemaRoutes } from './schemas.ts';
import { snapshotRoutes } from './snapshots.ts';
import { sourceRoutes } from './sources.ts';
import { twinRoutes } from './twins.ts';

/** Everything but /mcp: plain reads, sources, operators' routes, health. */
export function createPlainRoutes(
  parts: PlainParts,
): (req: IncomingMessage, res: ServerResponse) => void {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use((_req, res, next) => {
    res.locals.correlationId = randomId();
    res.setHeader('correlation-id', String(res.locals.correlationId));
    next();
  });
  const guarded = guardedBy(parts);
  operationRoutes(app, parts, guarded);
  twinRoutes(app, parts, guarded);
  changeRoutes(app, parts, guarded);
  sourceRoutes(app, parts, guarded);
  operatorRoutes(app, parts, guarded);
  agentRoutes(app, parts, guarded);
  breakGlassRoutes(app, parts, guarded);
  eligibilityRoutes(app, parts, guarded);
  eligibilityBatchRoutes(app, parts, guarded);
  enrollmentRoutes(app, parts, guarded);
  auditRoutes(app, parts, guarded);
  eventRoutes(app, parts, guarded);
  realtimeRoutes(app, parts, guarded);
  pusherRoutes(app, parts, guarded);
  flagRoutes(app, parts, guarded);
  deadLetterRoutes(app, parts, guarded);
  replayRoutes(app, parts, guarded);
  snapshotRoutes(app, parts, guarded);
  keepingRoutes(app, parts, guarded);
  deidentifiedRoutes(app, parts, guarded);
  schemaRoutes(app, parts.topicPrefix ?? '');
  pageRoutes(app, parts);
  if (parts.development !== undefined) {
    developmentRoutes(app, parts, parts.development);
    const { authorizationServer } = parts.development;
    if (authorizationServer !== undefined) authorizationServerRoutes(app, authorizationServer);
  }
  app.use(() => {
    throw new Fault('NOT_FOUND', { detail: 'No such path.' });
  });
  app.use(onError(parts));
  return app;
}

function guardedBy({ authenticator }: HttpParts): Guarded {
  return (operation, route) => async (req, res) => {
    res.locals.scopes = scopesOf(operation, req, new Set());
    const principal = await authenticator.authenticate(req.rawHeaders);
    if (missingScopes(principal.scopes, operation).length > 0) {
      const scopes = scopesOf(operation, req, principal.scopes);
      throw new Fault('INSUFFICIENT_SCOPE', { data: { scopes } });
    }
    await route(req, res, { principal, correlationId: String(res.locals.correlationId) });
  };
}

/** All that the operation needs; of a read, what its section does. */
function scopesOf(operation: Operation, req: Request, held: ReadonlySet<string>): string[] {
  const { kind, id, section } = req.params;
  const uri = operation === 'read' ? parseUri(`mcp://twins/${kind}/${id}/${section}`) : null;
  return uri === null ? requiredScopes(held, operation) : requiredToRead(held, uri);
}

function onError(parts: HttpParts): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const correlationId = String(res.locals.correlationId);
    // Express's own faults (a malformed percent sign) are the client's, and are 4xx with a status.
    const fault = isClientFault(error) ? new Fault('INVALID_REQUEST') : asFault(error);
    const [status, body] = plainError(fault, correlationId);
    if (isForTheLog(fault)) parts.report(fault.cause ?? fault, correlationId);
    const scopes = (res.locals.scopes as readonly string[] | undefined) ?? [];
    const challenge = challengeOf(parts, req, fault, scopes);
    sendJson(res, status, body, { ...retryHeaders(fault), ...challenge });
  };
}

function isClientFault(error: unknown): boolean {
  return (
    error instanceof URIError ||
    (error instanceof Error && 'status' in error && error.status === 400)
  );
}
