import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';

/** Tokens that were revoked before their time, each remembered until it would have ended. */
export interface Denylist {
  /**
   * @param expiresAtMs when the token ends; it is forgotten after that.
   * @throws Fault RATE_LIMITED when the list is full: nothing is dropped from it early, since that
   *   would bring a revoked token back.
   */
  revoke(tokenId: string, expiresAtMs: number): void;
  has(tokenId: string): boolean;
  onRevoked(listener: (tokenId: string) => void): () => void;
}

const REVOKED_TOKENS_MAX = 100_000;
const SKEW_MS = LIMITS.clockSkewSeconds * 1000;

export function createDenylist(clock: Clock, max: number = REVOKED_TOKENS_MAX): Denylist {
  const until = new Map<string, number>();
  const listeners = new Set<(tokenId: string) => void>();

  const sweep = (): void => {
    const now = clock.now();
    for (const [tokenId, end] of until) if (end <= now) until.delete(tokenId);
  };

  return {
    revoke(tokenId, expiresAtMs) {
      if (until.size >= max) sweep();
      if (until.size >= max && !until.has(tokenId)) {
        throw new Fault('RATE_LIMITED', {
          detail: 'The token is not revoked: too many revoked tokens have not yet ended.',
        });
      }
      until.set(tokenId, Math.max(until.get(tokenId) ?? 0, expiresAtMs + SKEW_MS));
      for (const listener of listeners) listener(tokenId);
    },
    has(tokenId) {
      const end = until.get(tokenId);
      return end !== undefined && end > clock.now();
    },
    onRevoked(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
