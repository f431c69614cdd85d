import { createHash } from 'node:crypto';

/** A place in the chain: everything up to `seq` is as it was when `hash` was taken. */
export interface Checkpoint {
  readonly seq: number;
  /** 64 hexadecimal digits. */
  readonly hash: string;
}

/** Before the first record. */
export const GENESIS: Checkpoint = { seq: 0, hash: '0'.repeat(64) };

/** SHA-256 of the previous hash (32 bytes), then the record's canonical JSON in UTF-8. */
export function nextHash(previous: string, body: string): string {
  return createHash('sha256').update(previous, 'hex').update(body).digest('hex');
}
