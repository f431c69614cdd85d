import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  type JSONRPCMessage,
  PROTOCOL_VERSION_META_KEY,
  type RequestId,
} from '@modelcontextprotocol/client';
import { ERRORS } from '../../contract/errors.ts';
import { META } from '../../contract/meta.ts';
import { asTwinError } from '../../sdk/index.ts';

/**
 * Whether a frame says its protocol version itself, as every request from 2026-07-28 on does
 * (`basic/index`, request metadata). The others belong to a 2025-era session.
 */
export function isModern(frame: JSONRPCMessage): boolean {
  const meta = 'params' in frame ? frame.params?._meta : undefined;
  return typeof meta?.[PROTOCOL_VERSION_META_KEY] === 'string';
}

/** The request that a `notifications/cancelled` names; `undefined` for every other frame. */
export function cancelledBy(frame: JSONRPCMessage): RequestId | undefined {
  if (!isJSONRPCNotification(frame) || frame.method !== 'notifications/cancelled') return undefined;
  const id = frame.params?.requestId;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** The id that this frame answers; `undefined` for what is no answer. */
export function answeredBy(frame: JSONRPCMessage): RequestId | undefined {
  if ('method' in frame || !('id' in frame)) return undefined;
  return frame.id;
}

/** The URI of a request to (un)subscribe. */
export function uriOf(frame: JSONRPCMessage, method: string): string | undefined {
  if (!isJSONRPCRequest(frame) || frame.method !== method) return undefined;
  const uri = frame.params?.uri;
  return typeof uri === 'string' ? uri : undefined;
}

/** Whatever went wrong on the way, as the answer to this request. */
export function errorFrame(id: RequestId, thrown: unknown): JSONRPCMessage {
  const { code, message, retry, data, correlationId, rpcCode } = asTwinError(thrown);
  const row = code === 'UNREACHABLE' ? ERRORS.INTERNAL : ERRORS[code];
  const details = {
    ...data,
    code,
    retry,
    ...(correlationId !== undefined && { [META.correlationId]: correlationId }),
  };
  return { jsonrpc: '2.0', id, error: { code: rpcCode ?? row.jsonRpc, message, data: details } };
}
