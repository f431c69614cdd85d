import type { ServerResponse } from 'node:http';
import { META } from '../contract/meta.ts';
import { asFault, type Fault } from '../kernel/errors.ts';
import { isObject } from '../kernel/json.ts';

const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  vary: 'Authorization, Origin',
} as const;

export function sendJson(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (res.headersSent) return void res.destroy();
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...SECURITY_HEADERS,
    ...headers,
  });
  res.end(text);
}

/** A fault on the plain HTTP surface: `{ error: { code, message, retry, correlationId, data? } }`. */
export function plainError(error: unknown, correlationId: string): [number, unknown] {
  const { code, message, row, data } = asFault(error);
  const details = Object.keys(data).length > 0 ? { data } : {};
  return [row.http, { error: { code, message, retry: row.retry, correlationId, ...details } }];
}

/** A fault before the MCP SDK has the message: a JSON-RPC error with the HTTP status. */
export function rpcError(error: unknown, correlationId: string, body: unknown): [number, unknown] {
  const { code, message, row, data } = asFault(error);
  const id = isObject(body) && isRequestId(body.id) ? body.id : null;
  const details = { code, retry: row.retry, ...data, [META.correlationId]: correlationId };
  return [row.http, { jsonrpc: '2.0', id, error: { code: row.jsonRpc, message, data: details } }];
}

/**
 * Faults of ours, and why a token was refused, which its sender is not told. A request without a
 * token is how every client begins, and fills no log.
 */
export function isForTheLog({ code, row, cause }: Fault): boolean {
  return row.http >= 500 || (code === 'UNAUTHENTICATED' && cause !== undefined);
}

/** `Retry-After` in whole seconds where trying again later helps. */
export function retryHeaders(fault: Fault): Record<string, string> {
  return fault.row.retry === 'later' && fault.row.http !== 500 ? { 'retry-after': '1' } : {};
}

function isRequestId(value: unknown): value is string | number {
  return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value));
}
