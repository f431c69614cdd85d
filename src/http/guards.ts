import type { IncomingMessage } from 'node:http';
import { Fault } from '../kernel/errors.ts';

/** Which hosts and origins this listener answers to; compared whole, scheme and port included. */
export interface Guards {
  /** @throws Fault FORBIDDEN_ORIGIN (403) or INVALID_REQUEST (400). */
  check(req: IncomingMessage): void;
  /** The origin to name in CORS headers; `undefined` where none was sent. */
  originOf(req: IncomingMessage): string | undefined;
}

const HOST_PATTERN = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/;
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * MCP transports: servers MUST validate `Origin`, and a local one its `Host` against DNS rebinding.
 * The SDK compares host names only, so that another port or scheme would pass (security.md §1.2 T1).
 */
export function createGuards(
  publicUrl: string,
  port: number,
  allowedOrigins: readonly string[],
): Guards {
  const own = new URL(publicUrl);
  const hosts = new Set([own.host, ...LOOPBACK.map((name) => `${name}:${port}`)]);
  const origins = new Set([
    own.origin,
    ...allowedOrigins,
    ...LOOPBACK.map((name) => `http://${name}:${port}`),
  ]);
  return {
    check(req) {
      const named = valuesOf(req, 'host');
      const host = named[0]?.toLowerCase();
      if (named.length !== 1 || host === undefined || !HOST_PATTERN.test(host)) {
        throw new Fault('INVALID_REQUEST', { detail: 'The Host header is missing or malformed.' });
      }
      if (!hosts.has(host)) throw new Fault('FORBIDDEN_ORIGIN');
      const sent = valuesOf(req, 'origin');
      if (sent.some((origin) => !origins.has(origin))) throw new Fault('FORBIDDEN_ORIGIN');
    },
    originOf: (req) => valuesOf(req, 'origin')[0],
  };
}

/** All values of a header as sent: node's `headers` joins or drops repeated ones. */
export function valuesOf(req: IncomingMessage, name: string): string[] {
  const { rawHeaders } = req;
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index] as string;
    if (header.length === name.length && header.toLowerCase() === name) {
      values.push(rawHeaders[index + 1] as string);
    }
  }
  return values;
}
