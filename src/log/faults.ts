import { Fault } from '../kernel/errors.ts';
import { isDamage } from '../kernel/sqlite.ts';

/** SQLite result codes (low byte) by which the disk or another process keeps us from writing. */
const UNAVAILABLE = new Set([5, 6, 8, 10, 13, 14]);

/** A store that cannot write is `LOG_UNAVAILABLE`; every other error stays what it is. */
export function asLogFault(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return UNAVAILABLE.has(code) || isDamage(error)
    ? new Fault('LOG_UNAVAILABLE', { cause: error })
    : error;
}
