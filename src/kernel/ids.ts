import { randomFillSync } from 'node:crypto';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 base32, lower case, no padding. */
export function base32(bytes: Uint8Array): string {
  let bits = 0;
  let held = 0;
  let text = '';
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) text += BASE32[(held << (5 - bits)) & 31];
  return text;
}

/** 128 random bits as 26 characters of base32: sessions, correlation ids, event ids. */
export function randomId(): string {
  if (taken === POOL_BYTES) {
    randomFillSync(pool);
    taken = 0;
  }
  const id = base32(pool.subarray(taken, taken + ID_BYTES));
  // What was given out is nowhere kept.
  pool.fill(0, taken, taken + ID_BYTES);
  taken += ID_BYTES;
  return id;
}

/** A call for random bytes costs as much for many as for few, and each request has an id. */
const ID_BYTES = 16;
const POOL_BYTES = 256 * ID_BYTES;
const pool = new Uint8Array(POOL_BYTES);
let taken = POOL_BYTES;
