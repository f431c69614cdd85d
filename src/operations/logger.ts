import pino, { type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LogOptions {
  readonly level: string;
  readonly version: string;
}

/**
 * The log: JSON lines on stderr, so that stdout stays a client's. It holds our opaque ids at most
 * (promise P9): no URIs, no headers, nothing of a record. Errors are logged by their own class,
 * code and stack; what an upstream said stays in the stack of our process alone.
 */
export function createLogger({ level, version }: LogOptions): Logger {
  return pino(
    {
      level,
      base: { pid: process.pid, version },
      serializers: { err: errorOf },
      redact: {
        paths: [
          'authorization',
          '*.authorization',
          'headers',
          '*.headers',
          'uri',
          '*.uri',
          'token',
        ],
        censor: '[redacted]',
      },
    },
    pino.destination({ dest: 2, sync: false }),
  );
}

/** Faults of ours whole; of anything else the kind, the message and where it arose. */
function errorOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error ? error.code : undefined;
  const { name, message, stack, cause } = error;
  return { name, message, code, stack, ...(cause !== undefined && { cause: errorOf(cause) }) };
}
