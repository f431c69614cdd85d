import type { IncomingMessage, ServerResponse } from 'node:http';
import { asFault, Fault } from '../kernel/errors.ts';
import { isDeeperThan } from '../kernel/json.ts';
import { LIMITS } from '../kernel/limits.ts';
import { parseJson, readBody } from './body.ts';
import { challengeOf } from './challenge.ts';
import { valuesOf } from './guards.ts';
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
      const quick = parts.mcp.quick.answer(req.headers, body, { principal, correlationId });
      const answer = quick && (await quick);
      if (answer !== undefined) return sendAnswer(res, correlationId, answer);
      if (Array.isArray(body)) throw new Fault('INVALID_REQUEST', { detail: 'Send one message.' });
      if (isDeeperThan(body, LIMITS.messageDepthMax)) throw tooDeep();
    }
    if (parts.mcp.missingScopes(principal, body).length > 0) {
      const scopes = parts.mcp.requiredScopes(principal.scopes, body);
      throw new Fault('INSUFFICIENT_SCOPE', { data: { scopes } });
    }
    res.setHeader('correlation-id', correlationId);
    // The SDK's answers say no-store; a cache that keeps them all the same must tell callers apart.
    res.setHeader('vary', 'Authorization, Origin');
    await parts.mcp.handle({ req, res, body, caller: { principal, correlationId } });
  } catch (error) {
    if (body === undefined && error instanceof Fault && error.code === 'UNAUTHENTICATED') {
      body = await asked(req);
    }
    refuse(parts, req, res, correlationId, body, error);
  }
}

/** As the SDK's answers go out. */
function sendAnswer(res: ServerResponse, correlationId: string, body: Buffer): void {
  res.writeHead(200, {
    'correlation-id': correlationId,
    'cache-control': 'no-store',
    vary: 'Authorization, Origin',
    'content-type': 'application/json',
    'content-length': body.length,
  });
  res.end(body);
}

/** What a caller without a token may send to be told of its scopes; most messages are smaller. */
const ASKED_BYTES_MAX = 16 * 1024;
/** And how long its body may take; a slower one is answered without. */
const ASKED_MS = 1_000;

/**
 * What somebody wants who may not have it: from the body where that is short, else from the headers
 * of MCP 2026-07-28, so that the challenge names the scopes to ask for. It decides nothing.
 */
async function asked(req: IncomingMessage): Promise<unknown> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Fault('INVALID_REQUEST')), ASKED_MS);
  try {
    const body = readBody(req, ['application/json'], ASKED_BYTES_MAX);
    return parseJson(await Promise.race([body, late.promise]));
  } catch {
    const [method] = valuesOf(req, 'mcp-method');
    const [name] = valuesOf(req, 'mcp-name');
    return method === undefined ? undefined : { method, params: { name, uri: name } };
  } finally {
    clearTimeout(timer);
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
  const scopes = parts.mcp.requiredScopes(new Set(), body);
  sendJson(res, status, answer, { ...headers, ...challengeOf(parts, req, fault, scopes) });
}
