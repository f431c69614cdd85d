import type { IncomingMessage, ServerResponse } from 'node:http';
import { asFault, Fault } from '../kernel/errors.ts';
import { isDeeperThan } from '../kernel/json.ts';
import { LIMITS } from '../kernel/limits.ts';
import { parseJson, readBody } from './body.ts';
import { challengeOf } from './challenge.ts';
import type { HttpParts } from './parts.ts';
import { isForTheLog, retryHeaders, rpcError, sendJson } from './respond.ts';

/**
 * What stands before MCP: the token on every request, the body's bound and shape, one message a
 * request, and the scopes of its operation, all before the SDK sees anything.
 */
export async function serveMcp(
  parts: HttpParts,
  req: IncomingMessage,
  res: ServerResponse,
  correlationId: string,
): Promise<void> {
  let body: unknown;
  try {
    if (!['GET', 'POST', 'DELETE'].includes(req.method ?? '')) {
      return sendJson(res, 405, {}, { allow: 'GET, POST, DELETE' });
    }
    const principal = await parts.authenticator.authenticate(req.rawHeaders);
    if (req.method === 'POST') {
      body = parseJson(await readBody(req, ['application/json'], LIMITS.requestBodyBytesMax));
      // JSON-RPC batches left MCP with 2025-06-18; the SDK's older era would still take them.
      if (Array.isArray(body)) throw new Fault('INVALID_REQUEST', { detail: 'Send one message.' });
      if (isDeeperThan(body, LIMITS.messageDepthMax)) throw tooDeep();
    }
    const scopes = parts.mcp.missingScopes(principal, body);
    if (scopes.length > 0) throw new Fault('INSUFFICIENT_SCOPE', { data: { scopes } });
    res.setHeader('correlation-id', correlationId);
    await parts.mcp.handle({ req, res, body, caller: { principal, correlationId } });
  } catch (error) {
    refuse(parts, req, res, correlationId, body, error);
  }
}

function tooDeep(): Fault {
  const detail = `The message nests deeper than ${LIMITS.messageDepthMax} levels.`;
  return new Fault('INVALID_ARGUMENT', { detail });
}

function refuse(
  parts: HttpParts,
  req: IncomingMessage,
  res: ServerResponse,
  correlationId: string,
  body: unknown,
  error: unknown,
): void {
  const fault = asFault(error);
  if (isForTheLog(fault)) parts.report(fault.cause ?? fault, correlationId);
  const [status, answer] = rpcError(fault, correlationId, body);
  const headers = { 'correlation-id': correlationId, ...retryHeaders(fault) };
  sendJson(res, status, answer, { ...headers, ...challengeOf(parts, req, fault) });
}
