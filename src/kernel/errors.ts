import { ERRORS, type ErrorCode, type ErrorRow } from '../contract/errors.ts';

export interface FaultDetails {
  /** What, where and what to do: our own words, safe to show to the client. */
  readonly detail?: string;
  /** Structured data for the client: no PHI, nothing from upstream. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** For the log only. */
  readonly cause?: unknown;
}

/**
 * A fault with two faces: a public sentence of ours and a cause for the log.
 * Whatever else is thrown is `INTERNAL`, a fault of ours, never the client's.
 */
export class Fault extends Error {
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, details: FaultDetails = {}) {
    super(details.detail ?? ERRORS[code].says, { cause: details.cause });
    this.name = 'Fault';
    this.code = code;
    this.data = details.data ?? {};
  }

  get row(): ErrorRow {
    return ERRORS[this.code];
  }
}

/** Whatever was thrown, as a `Fault`. */
export function asFault(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault('INTERNAL', { cause: error });
}
