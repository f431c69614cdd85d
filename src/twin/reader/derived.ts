import type { TwinUri } from '../../contract/uris.ts';
import type { Principal } from '../ports.ts';
import { accessLog } from './access-log.ts';
import { panel } from './panel.ts';
import type { Derived, ReaderParts } from './parts.ts';

export function isDerived(uri: TwinUri): boolean {
  return uri.kind === 'access-log' || (uri.kind === 'practitioner' && uri.section === 'panel');
}

/** `undefined` for every document that the view holds. */
export async function derive(
  parts: ReaderParts,
  principal: Principal,
  uri: TwinUri,
): Promise<Derived | undefined> {
  if (uri.kind === 'access-log') return await accessLog(parts, uri);
  if (uri.kind === 'practitioner' && uri.section === 'panel') {
    return await panel(parts, principal, uri);
  }
  return undefined;
}
