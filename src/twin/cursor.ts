import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import { isObject } from '../kernel/json.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Principal } from './ports.ts';
import { principalKey } from './principals.ts';

/** What a cursor is for; one kind is never accepted as another. */
export type CursorKind = 'list' | 'search' | 'changes';

/**
 * Cursors are encrypted and authenticated (AES-256-GCM), bound to the principal and the kind
 * through the additional data: whoever else presents one gets the same answer as for a forgery.
 */
export interface CursorCodec {
  seal(kind: CursorKind, principal: Principal, payload: Readonly<Record<string, unknown>>): string;
  /**
   * @returns the payload, or `'expired'`.
   * @throws Fault INVALID_ARGUMENT for a forged, foreign or otherwise wrong cursor.
   */
  open(kind: CursorKind, principal: Principal, text: string): Record<string, unknown> | 'expired';
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function createCursorCodec(secret: Uint8Array, clock: Clock): CursorCodec {
  const key = createHash('sha256').update('cursor').update(secret).digest();
  const bindingOf = (kind: CursorKind, principal: Principal): Buffer =>
    Buffer.from(`${kind}\n${principalKey(principal)}`);
  return {
    seal(kind, principal, payload) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(bindingOf(kind, principal));
      const plain = JSON.stringify({ ...payload, expires: clock.now() + LIMITS.cursorTtlMs });
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
    },
    open(kind, principal, text) {
      const payload = decrypt(key, bindingOf(kind, principal), text);
      if (!isObject(payload) || typeof payload.expires !== 'number') throw wrongCursor();
      return payload.expires < clock.now() ? 'expired' : payload;
    },
  };
}

function decrypt(key: Uint8Array, binding: Uint8Array, text: string): unknown {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw wrongCursor();
  const end = bytes.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(binding);
    decipher.setAuthTag(bytes.subarray(end));
    const plain = [decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()];
    return JSON.parse(Buffer.concat(plain).toString('utf8'));
  } catch (cause) {
    throw wrongCursor(cause);
  }
}

export function wrongCursor(cause?: unknown): Fault {
  return new Fault('INVALID_ARGUMENT', {
    detail: 'The cursor is not one that this server gave you: start again without it.',
    cause,
  });
}
