import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import { redact, scrub } from './redact.ts';

export type LogFields = Readonly<Record<string, unknown>>;

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LEVELS)[number];

/**
 * Fields, an error under `err`, and a message of ours. Narrower than pino's own, which has ways
 * round redaction: interpolation, bindings of children, messages taken from errors.
 */
export interface Logger extends Record<LogLevel, (fields: LogFields, message: string) => void> {
  /** A logger whose every line carries these too: `with({ correlationId })`. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel | 'silent';
  readonly version: string;
  /** Short lines for a person instead of JSON; when stderr is a terminal, unless said otherwise. */
  readonly short?: boolean;
  /** Where lines go; stderr when absent, since stdout belongs to the protocol and the prompts. */
  readonly to?: DestinationStream;
}

/**
 * One line an event, JSON or short. Fields are redacted by name and scrubbed (P9): whatever is
 * logged, tokens, headers, bodies and URIs of members stay out.
 */
export function createLogger({ level, version, to, ...options }: LoggerOptions): Logger {
  const short = options.short ?? process.stderr.isTTY === true;
  const stderr = to ?? destination({ dest: 2, sync: true });
  const sink = pino(
    {
      level,
      base: short ? null : { pid: process.pid, version },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // `redact` has made errors safe and plain; pino's own serializer would reshape them.
      serializers: { err: (error: unknown) => error },
    },
    short ? shortLines(stderr) : stderr,
  );
  const bound = (held: LogFields): Logger => {
    const at =
      (name: LogLevel) =>
      (fields: LogFields, message: string): void => {
        if (sink.isLevelEnabled(name)) sink[name](redact({ ...held, ...fields }), scrub(message));
      };
    const levels = Object.fromEntries(LEVELS.map((name) => [name, at(name)]));
    return { ...(levels as Omit<Logger, 'with'>), with: (more) => bound({ ...held, ...more }) };
  };
  return bound({});
}

function shortLines(to: DestinationStream): DestinationStream {
  return {
    write(line) {
      const { time, level, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
      const clockTime = String(time).slice(11, 19);
      const fields = Object.entries(rest).map(([name, value]) => ` ${name}=${shortValue(value)}`);
      const text = `${clockTime} ${String(level).padEnd(5)} ${String(msg ?? '')}${fields.join('')}`;
      to.write(`${text.replace(CONTROL, '?')}\n`);
    },
  };
}

/** A terminal obeys these; a name from outside must not reach it with them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

function shortValue(value: unknown): string {
  if (typeof value === 'string') return value;
  const { type, code, message, cause } = (value ?? {}) as Record<string, unknown>;
  if (typeof message !== 'string') return JSON.stringify(value);
  const because = cause === undefined ? '' : ` because ${shortValue(cause)}`;
  return `${String(code ?? type)}: ${message}${because}`;
}
