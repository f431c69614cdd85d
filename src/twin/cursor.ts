import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import { isObject } from '../kernel/json.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Principal } from './ports.ts';
import { principalKey } from './principals.ts';
import { createSealing, type Secrets } from './sealing.ts';

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

export function createCursorCodec(secrets: Secrets, clock: Clock): CursorCodec {
  const sealing = createSealing('cursor', secrets);
  const bindingOf = (kind: CursorKind, principal: Principal): string =>
    `${kind}\n${principalKey(principal)}`;
  return {
    seal(kind, principal, payload) {
      const expires = clock.now() + LIMITS.cursorTtlMs;
      return sealing.seal(bindingOf(kind, principal), { ...payload, expires }).text;
    },
    open(kind, principal, text) {
      const payload = sealing.open(bindingOf(kind, principal), text)?.payload;
      if (!isObject(payload) || typeof payload.expires !== 'number') throw wrongCursor();
      return payload.expires < clock.now() ? 'expired' : payload;
    },
  };
}

export function wrongCursor(): Fault {
  return new Fault('INVALID_ARGUMENT', {
    detail: 'The cursor is not one that this server gave you: start again without it.',
  });
}
