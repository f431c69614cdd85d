import { ERRORS, type ErrorCode, type Retry } from '../contract/errors.ts';
import { META } from '../contract/meta.ts';

/** The server's closed list, and the one fault that only a client can meet. */
export type TwinErrorCode = ErrorCode | 'UNREACHABLE';

export interface TwinErrorDetails {
  readonly message?: string;
  readonly correlationId?: string;
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** JSON-RPC code of the answer, where it was a JSON-RPC error. */
  readonly rpcCode?: number;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Whatever goes wrong between client and twin, by code and by whether trying again helps. */
export class TwinError extends Error {
  readonly code: TwinErrorCode;
  readonly retry: Retry;
  /** Names the request in the server's log. */
  readonly correlationId: string | undefined;
  readonly status: number | undefined;
  readonly rpcCode: number | undefined;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: TwinErrorCode, details: TwinErrorDetails = {}) {
    super(details.message ?? sayingOf(code), { cause: details.cause });
    this.name = 'TwinError';
    this.code = code;
    this.retry = code === 'UNREACHABLE' ? 'later' : ERRORS[code].retry;
    this.correlationId = details.correlationId;
    this.status = details.status;
    this.rpcCode = details.rpcCode;
    this.data = details.data ?? {};
  }
}

/** Whatever was thrown without MCP in between. */
export function faultOf(error: unknown): TwinError {
  if (error instanceof TwinError) return error;
  return new TwinError('INTERNAL', { message: 'A fault of the client.', cause: error });
}

/** A refusal over HTTP, in either shape: `{error: {code, …}}`, or a JSON-RPC error. */
export async function errorOfResponse(response: Response): Promise<TwinError> {
  return refusalOf(response.status, await response.text().catch(() => ''));
}

export function refusalOf(status: number, text: unknown, cause?: unknown): TwinError {
  const error = typeof text === 'string' ? errorMember(text) : undefined;
  if (typeof error?.code === 'number') return ofRpcError(error, status, cause);
  if (!isErrorCode(error?.code)) return new TwinError(codeOfStatus(status), { status, cause });
  return new TwinError(error.code, {
    status,
    cause,
    ...textOf('message', error.message),
    ...textOf('correlationId', error.correlationId),
    ...(isRecord(error.data) && { data: error.data }),
  });
}

export function ofRpcError(
  { code, message, data }: { code?: unknown; message?: unknown; data?: unknown },
  status: number | undefined,
  cause: unknown,
  isLost = false,
): TwinError {
  const details = isRecord(data) ? data : {};
  const lost = isLost || details.uri !== undefined;
  const unknown = status === undefined ? (lost ? 'NOT_FOUND' : 'INTERNAL') : codeOfStatus(status);
  return new TwinError(isErrorCode(details.code) ? details.code : unknown, {
    data: details,
    cause,
    ...textOf('message', message),
    ...textOf('correlationId', details[META.correlationId]),
    ...(typeof code === 'number' && { rpcCode: code }),
    ...(status !== undefined && { status }),
  });
}

/** What stood in front of our server, or an older one, answered: only the status says something. */
function codeOfStatus(status: number): TwinErrorCode {
  switch (status) {
    case 400:
      return 'INVALID_REQUEST';
    case 401:
      return 'UNAUTHENTICATED';
    case 403:
      return 'INSUFFICIENT_SCOPE';
    case 404:
      return 'NOT_FOUND';
    case 413:
      return 'TOO_LARGE';
    case 429:
      return 'RATE_LIMITED';
    case 502:
    case 503:
    case 504:
      return 'UNREACHABLE';
    default:
      return 'INTERNAL';
  }
}

function errorMember(text: string): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isRecord(body) && isRecord(body.error) ? body.error : undefined;
  } catch {
    return undefined;
  }
}

function sayingOf(code: TwinErrorCode): string {
  return code === 'UNREACHABLE' ? 'The server cannot be reached.' : ERRORS[code].says;
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf<K extends string>(key: K, value: unknown): Partial<Record<K, string>> {
  return typeof value === 'string' ? ({ [key]: value } as Record<K, string>) : {};
}
