import { parseUri } from '../../contract/uris.ts';
import { asFault } from '../../kernel/errors.ts';
import type { ReaderParts } from './parts.ts';

const DENIALS: ReadonlySet<string> = new Set([
  ...['NOT_FOUND', 'INSUFFICIENT_SCOPE', 'PURPOSE_REFUSED'],
]);

/** Tells how a read ended, by section: never by whom or of whom. */
export async function counted<T>(
  { onRead }: Pick<ReaderParts, 'onRead'>,
  text: string,
  reading: Promise<T>,
): Promise<T> {
  const uri = parseUri(text);
  const section = uri?.kind === 'section' || uri?.kind === 'source' ? uri.section : uri?.kind;
  try {
    const answer = await reading;
    onRead?.(section ?? 'none', 'success');
    return answer;
  } catch (error) {
    const { code } = asFault(error);
    const denied = DENIALS.has(code);
    onRead?.(section ?? 'none', denied ? 'denied' : 'failed');
    throw error;
  }
}
