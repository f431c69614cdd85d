import { isMessage } from '@bufbuild/protobuf';
import { redactMessage } from '../contract/events/redact.ts';
import { Fault } from '../kernel/errors.ts';
import { isObject } from '../kernel/json.ts';
import { identifies } from '../twin/deidentify/identifies.ts';

/**
 * Fields that never reach a log, whatever they hold: tokens, bodies, and URIs, which name members;
 * besides them whatever is an identifier by the table of de-identification.
 */
const HIDDEN = new Set([
  'authorization',
  'body',
  'cookie',
  'headers',
  'key',
  'mcp-name',
  'params',
  'payload',
  'query',
  'rawheaders',
  'secret',
  'token',
  'uri',
  'uris',
]);
const HIDDEN_PREFIX = 'mcp-param-';
const TEXT_CHARS_MAX = 500;
const DEPTH_MAX = 4;
const ITEMS_MAX = 20;
const CAUSES_MAX = 4;
const FRAMES_MAX = 6;

/** The fields of a log line, made safe: hidden by name, texts scrubbed, depth and length bounded. */
export function redact(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      isHidden(name) ? '[hidden]' : safe(value, DEPTH_MAX),
    ]),
  );
}

/**
 * A text for the log without what it may quote: URIs of ours, tokens, and quoted parts, in which
 * runtimes and databases repeat the input (V8: `Unexpected token 'J', "John Doe" is not valid`).
 */
export function scrub(text: string): string {
  return text
    .slice(0, TEXT_CHARS_MAX)
    .replace(/\bmcp:\S*/gi, 'mcp:[hidden]')
    .replace(/\b(?:Bearer\s+\S+|eyJ[\w-]+(?:\.[\w-]*)*)/g, '[token]')
    .replace(/"[^"]*"?|'[^']*'|`[^`]*`/g, '"…"');
}

function safe(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrub(value);
  if (value instanceof Error) return safeError(value, CAUSES_MAX);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '[deep]';
  // An event says by its annotations what it may show.
  if (isMessage(value)) return safe(redactMessage(value), depth);
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => safe(item, depth - 1));
  if (!isObject(value) || ArrayBuffer.isView(value)) return '[hidden]';
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, ITEMS_MAX)
      .map(([name, inner]) => [name, isHidden(name) ? '[hidden]' : safe(inner, depth - 1)]),
  );
}

function safeError(error: Error, causes: number): Record<string, unknown> {
  const code = error instanceof Fault ? error.code : (error as NodeJS.ErrnoException).code;
  const cause = error.cause;
  return {
    type: error.name,
    ...(code !== undefined && { code: String(code) }),
    message: scrub(error.message),
    stack: framesOf(error),
    ...(cause !== undefined &&
      causes > 0 && {
        cause: cause instanceof Error ? safeError(cause, causes - 1) : safe(cause, 1),
      }),
  };
}

/** Where, without the message, which a stack repeats unscrubbed. */
function framesOf({ stack = '' }: Error): string[] {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return frames.slice(0, FRAMES_MAX).map((frame) => frame.trim());
}

function isHidden(name: string): boolean {
  const lower = name.toLowerCase();
  return HIDDEN.has(lower) || lower.startsWith(HIDDEN_PREFIX) || identifies(name);
}
