import { hash } from 'node:crypto';
import { leafHash, type Sha256 } from '../../contract/audit/merkle.ts';
import { leafText, type PlacedRow } from '../../contract/audit/row.ts';

export const sha256: Sha256 = (...parts) => hash('sha256', Buffer.concat(parts), 'buffer');

export function leafOf(row: PlacedRow): Uint8Array {
  return leafHash(sha256, Buffer.from(leafText(row)));
}

/**
 * Beside the tree each row keeps the hash of itself and all before it: the tree proves that rows
 * were changed, the chain names the first one that was. It begins with the generation's id.
 */
export function chainStart(generation: string): Uint8Array {
  return sha256(Buffer.from(generation));
}

export function chainNext(before: Uint8Array, leaf: Uint8Array): Uint8Array {
  return sha256(before, leaf);
}
