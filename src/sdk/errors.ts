import {
  ProtocolError,
  ResourceNotFoundError,
  SdkError,
  SdkHttpError,
} from '@modelcontextprotocol/client';
import { isErrorCode, ofRpcError, refusalOf, TwinError, textOf } from './twin-error.ts';

/** Whatever was thrown, as a `TwinError`. */
export function asTwinError(error: unknown): TwinError {
  if (error instanceof TwinError) return error;
  // The SDK wraps what its transport throws while it negotiates a version.
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof TwinError) return cause;
  if (error instanceof ProtocolError) {
    return ofRpcError(error, undefined, error, error instanceof ResourceNotFoundError);
  }
  if (error instanceof SdkHttpError) return refusalOf(error.status, error.data.text, error);
  if (error instanceof SdkError) return new TwinError('UNREACHABLE', { cause: error });
  return new TwinError('INTERNAL', { message: 'A fault of the client.', cause: error });
}

/** A tool's failure, which is a result whose text begins with our code (`CODE: sentence`). */
export function errorOfToolText(text: string, correlationId: unknown): TwinError {
  const [code, ...rest] = text.split(': ');
  const details = textOf('correlationId', correlationId);
  if (!isErrorCode(code)) return new TwinError('INTERNAL', { message: text, ...details });
  return new TwinError(code, { message: rest.join(': '), ...details });
}
