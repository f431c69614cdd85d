import { Fault } from '../kernel/errors.ts';

/** SQLite result codes (low byte) by which the disk or another process keeps us from writing. */
const UNAVAILABLE = new Set([5, 6, 8, 10, 11, 13, 14, 26]);

/** A store that cannot write is `LOG_UNAVAILABLE`; every other error stays what it is. */
export function asLogFault(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error;
  const code = Number(error.errcode) & 0xff;
  return UNAVAILABLE.has(code) ? new Fault('LOG_UNAVAILABLE', { cause: error }) : error;
}
