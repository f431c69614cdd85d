import { ProtocolError, ResourceNotFoundError } from '@modelcontextprotocol/server';
import { META } from '../contract/meta.ts';
import { asFault, type Fault } from '../kernel/errors.ts';
import type { McpParts } from './parts.ts';

/**
 * Whatever a handler throws, as what the client may see: the SDK would hand the text of any
 * exception on verbatim (security.md §0.6). Our own faults keep their sentence; the rest is
 * `INTERNAL` with the correlation id.
 */
export function protocolErrorOf(
  { report }: Pick<McpParts, 'report'>,
  error: unknown,
  correlationId: string,
): ProtocolError {
  const fault = asFault(error);
  if (isOurs(fault)) report(fault.cause ?? fault, correlationId);
  if (fault.code === 'NOT_FOUND' && typeof fault.data.uri === 'string') {
    return new ResourceNotFoundError(fault.data.uri, fault.message);
  }
  return new ProtocolError(fault.row.jsonRpc, fault.message, {
    code: fault.code,
    retry: fault.row.retry,
    ...fault.data,
    [META.correlationId]: correlationId,
  });
}

/** A fault to look into; what a client does too often or wrongly fills no log. */
export function isOurs({ row }: Fault): boolean {
  return row.http >= 500;
}

/** A tool's failure as a result that a model can read and act upon. */
export function toolErrorOf(fault: Fault, correlationId: string) {
  return {
    isError: true,
    content: [{ type: 'text' as const, text: `${fault.code}: ${fault.message}` }],
    _meta: { [META.correlationId]: correlationId },
  };
}
