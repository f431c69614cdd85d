import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Audit } from '../ports.ts';

/**
 * The audit, for whoever has decided and only waits for the record: a disk that takes long must
 * not stretch a decision. One check and this wait together stay within the two seconds after which
 * a revoke holds (promise P1); past that nothing is shown, and the caller decides anew.
 */
export function inTime(audit: Audit, clock: Pick<Clock, 'monotonic'>): Audit {
  return {
    async append(entry) {
      const beganMs = clock.monotonic();
      await audit.append(entry);
      const late = clock.monotonic() - beganMs > LIMITS.decisionTtlMs - LIMITS.checkTimeoutMs;
      if (late && entry.outcome === 'success') {
        throw new Fault('AUDIT_UNAVAILABLE', { cause: 'the record came later than its decision' });
      }
    },
  };
}
