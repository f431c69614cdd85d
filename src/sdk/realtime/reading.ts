import type { Document } from '../../contract/documents.ts';
import type { Fetch } from '../http.ts';
import { errorOfResponse, TwinError } from '../twin-error.ts';
import type { RealtimeReadOptions } from './types.ts';

const SECTION = /^mcp:\/\/twins\/(?:member|practitioner)\/[^/]+\/[^/]+$/;

/** One section over plain HTTP: the same door as by MCP. */
export async function readSection(
  fetch: Fetch,
  origin: string,
  uri: string,
  { minPosition, signal }: RealtimeReadOptions,
): Promise<Document> {
  if (!SECTION.test(uri)) {
    throw new TwinError('INVALID_ARGUMENT', { message: 'Only sections of a twin can be read so.' });
  }
  const response = await fetch(new URL(uri.replace('mcp://twins', '/v1/twins'), origin), {
    ...(minPosition !== undefined && { headers: { 'min-position': minPosition } }),
    ...(signal !== undefined && { signal }),
  });
  if (!response.ok) throw await errorOfResponse(response);
  return (await response.json()) as Document;
}
