import type { IncomingMessage } from 'node:http';
import { Fault } from '../kernel/errors.ts';

/**
 * Reads a body up to a bound, in bytes.
 * @throws Fault UNSUPPORTED_MEDIA for another type or an encoded body, TOO_LARGE past the bound,
 *   INVALID_REQUEST where the client went before its end.
 */
export async function readBody(
  req: IncomingMessage,
  types: readonly string[],
  bytesMax: number,
): Promise<Buffer> {
  const type = (req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!types.includes(type)) throw new Fault('UNSUPPORTED_MEDIA');
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Fault('UNSUPPORTED_MEDIA', { detail: 'Send the body without Content-Encoding.' });
  }
  if (Number(req.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  return await collect(req, bytesMax);
}

/** By its events: to iterate over it costs as much as all else of a small request. */
function collect(req: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (): void => {
      stop();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    };
    const fail = (fault: Fault): void => {
      stop();
      req.pause();
      reject(fault);
    };
    const cut = (cause?: unknown): void =>
      fail(new Fault('INVALID_REQUEST', { detail: 'The body was cut off.', cause }));
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > bytesMax) fail(tooLarge(bytesMax));
      else chunks.push(chunk);
    };
    const stop = (): void => {
      req.off('data', take).off('end', end).off('error', cut).off('close', cut);
    };
    req.on('data', take).on('end', end).on('error', cut).on('close', cut);
    if (req.destroyed) cut();
  });
}

/** Half a character can only come from an escape: the text around it is UTF-8. */
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/** @throws Fault INVALID_REQUEST; never quotes the body, which V8's message would. */
export function parseJson(body: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    return SURROGATE_ESCAPE.test(text) ? JSON.parse(text, requireWellFormed) : JSON.parse(text);
  } catch {
    throw new Fault('INVALID_REQUEST', { detail: 'The body is not valid JSON in UTF-8.' });
  }
}

/** RFC 8259 §8.2: what two parsers make of a lone surrogate differs; nobody's text has one. */
function requireWellFormed(key: string, value: unknown): unknown {
  if (key.isWellFormed() && (typeof value !== 'string' || value.isWellFormed())) return value;
  throw new SyntaxError('a lone surrogate');
}

function tooLarge(bytesMax: number): Fault {
  return new Fault('TOO_LARGE', { detail: `The body is larger than ${bytesMax} bytes.` });
}
