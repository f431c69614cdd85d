/**
 * The closed list of faults that a client can meet.
 *
 * One row a code: whether trying again helps, the JSON-RPC code, the HTTP status, the WebSocket
 * close code, and our own sentence. The sentence is all that a client ever sees: no upstream text.
 */

export type Retry = 'never' | 'later' | 'after-change';

export interface ErrorRow {
  readonly retry: Retry;
  /** JSON-RPC 2.0 error code; MCP 2026-07-28 `basic/index.mdx`, error codes. */
  readonly jsonRpc: number;
  readonly http: number;
  /** WebSocket close code, RFC 6455 §7.4; 4000–4999 are ours. */
  readonly ws: number;
  readonly says: string;
}

export const ERRORS = {
  // The caller's request
  INVALID_ARGUMENT: {
    retry: 'never',
    jsonRpc: -32602,
    http: 400,
    ws: 4400,
    says: 'An argument is missing, unknown or wrong.',
  },
  INVALID_REQUEST: {
    retry: 'never',
    jsonRpc: -32600,
    http: 400,
    ws: 4400,
    says: 'The request is not a valid message.',
  },
  NOT_FOUND: {
    retry: 'never',
    jsonRpc: -32602,
    http: 404,
    ws: 4404,
    says: 'There is nothing here, or you may not read it.',
  },
  TOO_LARGE: {
    retry: 'never',
    jsonRpc: -32600,
    http: 413,
    ws: 1009,
    says: 'The request is larger than this server accepts.',
  },
  UNSUPPORTED_MEDIA: {
    retry: 'never',
    jsonRpc: -32600,
    http: 415,
    ws: 1003,
    says: 'The content type is not supported; send application/json.',
  },
  REFUSED_INPUT: {
    retry: 'after-change',
    jsonRpc: -32602,
    http: 422,
    ws: 4422,
    says: 'The record was refused; nothing of it was stored.',
  },
  CONFLICT: {
    retry: 'after-change',
    jsonRpc: -32602,
    http: 409,
    ws: 4409,
    says: 'The present state does not allow this; read again and repeat.',
  },
  PRECONDITION_FAILED: {
    retry: 'after-change',
    jsonRpc: -32602,
    http: 412,
    ws: 4412,
    says: 'What the request says of the present version is not so; read it and decide again.',
  },
  // Who asks
  UNAUTHENTICATED: {
    retry: 'after-change',
    jsonRpc: -32600,
    http: 401,
    ws: 4401,
    says: 'A valid access token for this server is needed.',
  },
  /** RFC 9470: the data names `acrValues` and `maxAgeSeconds` that would do. */
  INSUFFICIENT_AUTHENTICATION: {
    retry: 'after-change',
    jsonRpc: -32600,
    http: 401,
    ws: 4401,
    says: 'This needs a newer or a stronger login.',
  },
  INSUFFICIENT_SCOPE: {
    retry: 'after-change',
    jsonRpc: -32600,
    http: 403,
    ws: 4403,
    says: 'The access token lacks a scope that this operation needs.',
  },
  SUSPENDED: {
    retry: 'after-change',
    jsonRpc: -32600,
    http: 403,
    ws: 4403,
    says: 'This client is suspended; ask the operator of this server.',
  },
  PURPOSE_REFUSED: {
    retry: 'after-change',
    jsonRpc: -32600,
    http: 403,
    ws: 4403,
    says: 'The purpose of use of the access token does not need this document.',
  },
  FORBIDDEN_ORIGIN: {
    retry: 'never',
    jsonRpc: -32600,
    http: 403,
    ws: 4403,
    says: 'This host or origin may not use the server.',
  },
  // Bounds
  RATE_LIMITED: {
    retry: 'later',
    jsonRpc: -32603,
    http: 429,
    ws: 4429,
    says: 'Too many requests or open streams; wait and try again.',
  },
  VIEW_BEHIND: {
    retry: 'later',
    jsonRpc: -32603,
    http: 503,
    ws: 4503,
    says: 'This instance has not yet reached the position you asked for.',
  },
  // Us
  ISSUER_UNAVAILABLE: {
    retry: 'later',
    jsonRpc: -32603,
    http: 503,
    ws: 4503,
    says: 'Whether this token is good cannot be told: the issuer of tokens gives no keys.',
  },
  ACCESS_UNAVAILABLE: {
    retry: 'later',
    jsonRpc: -32603,
    http: 503,
    ws: 4503,
    says: 'Permissions cannot be checked at the moment, so nothing is shown.',
  },
  AUDIT_UNAVAILABLE: {
    retry: 'later',
    jsonRpc: -32603,
    http: 503,
    ws: 4503,
    says: 'The audit trail cannot be written at the moment, so nothing is shown.',
  },
  LOG_UNAVAILABLE: {
    retry: 'later',
    jsonRpc: -32603,
    http: 503,
    ws: 4503,
    says: 'The log cannot take records at the moment; nothing was stored.',
  },
  NOT_COMMITTED: {
    retry: 'later',
    jsonRpc: -32603,
    http: 503,
    ws: 4503,
    says: 'The change of relations is not in force: SpiceDB has not committed it.',
  },
  SHUTTING_DOWN: {
    retry: 'later',
    jsonRpc: -32603,
    http: 503,
    ws: 1001,
    says: 'The server is shutting down.',
  },
  INTERNAL: {
    retry: 'later',
    jsonRpc: -32603,
    http: 500,
    ws: 1011,
    says: 'A fault of ours; the correlation id names it in our log.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;
