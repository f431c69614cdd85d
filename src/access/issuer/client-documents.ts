import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import {
  isLoopbackAddress,
  isPublicAddress,
  lookupOf,
  type Resolve,
} from '../../kernel/public-address.ts';

export interface DocumentOptions {
  /** Also `https://localhost:PORT`: a setting of development (`OAUTH_LOOPBACK_CLIENTS`). */
  readonly loopback: boolean;
  readonly resolve?: Resolve;
}

const LOOPBACK_NAME = 'localhost';

/**
 * Whether a client id may be fetched at all (Client ID Metadata Documents §3, §6.5), before any name
 * is resolved: https, a name and no address in whatever spelling, the standard port, a path.
 * @returns the rule that it breaks, in our words
 */
export function refusalOfUrl(id: string, loopback: boolean): string | undefined {
  const url = URL.parse(id);
  if (id.length > LIMITS.issuer.clientIdCharsMax) return 'is too long';
  if (url === null || url.protocol !== 'https:') return 'is no https URL';
  if (url.href !== id) return 'is not written in its canonical form';
  if (url.username !== '' || url.password !== '') return 'names a user';
  if (url.hash !== '' || id.includes('#')) return 'has a fragment';
  if (url.pathname === '/') return 'has no path';
  // The parser has made 2130706433, 0x7f.1 and 0177.0.0.1 into what they mean.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return 'names an address and no host';
  if (host === LOOPBACK_NAME) {
    return loopback ? undefined : 'is on this machine (OAUTH_LOOPBACK_CLIENTS=on would allow it)';
  }
  if (!host.includes('.') || host.endsWith('.') || host.endsWith(`.${LOOPBACK_NAME}`)) {
    return 'names no public host';
  }
  return url.port === '' ? undefined : 'names a port';
}

/**
 * One document: the address is looked at in the very look-up that the connection is made with, so
 * that no name can mean one thing when it is checked and another when it is used; no redirect is
 * followed; time and size are bounded; only JSON is read.
 * @throws Fault INVALID_ARGUMENT saying which rule, never what the host answered
 */
export async function fetchDocument(id: string, options: DocumentOptions): Promise<Buffer> {
  const refusal = refusalOfUrl(id, options.loopback);
  if (refusal !== undefined) throw refusedFor(refusal);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const within = AbortSignal.timeout(LIMITS.issuer.documentTimeoutMs);
  within.addEventListener('abort', () => reject(refusedFor('did not answer in time')));
  try {
    return await Promise.race([late, ask(id, options, within)]);
  } catch (error) {
    throw error instanceof Fault ? error : refusedFor('could not be fetched', error);
  }
}

function ask(id: string, options: DocumentOptions, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asked = request(id, {
      // A connection of its own: a pooled one was checked for another name.
      agent: false,
      signal,
      lookup: guardedLookup(new URL(id).hostname, options),
      headers: { accept: 'application/json', 'user-agent': 'digital-twin-mcp' },
      maxHeaderSize: LIMITS.requestHeaderBytesMax,
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      bodyOf(response).then(resolve, reject);
      response.once('close', () => asked.destroy());
    });
    asked.end();
  });
}

function guardedLookup(host: string, { resolve, loopback }: DocumentOptions) {
  const may = loopback && host === LOOPBACK_NAME ? isLoopbackAddress : isPublicAddress;
  return lookupOf(may, () => refusedFor('names a host that is not public'), resolve);
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  try {
    if (response.statusCode !== 200)
      throw refusedFor('does not answer 200 (redirects are not followed)');
    const type = (response.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    if (!/^application\/(?:[a-z0-9.-]+\+)?json$/.test(type)) throw refusedFor('is no JSON');
    if (response.headers['content-encoding'] !== undefined) throw refusedFor('is encoded');
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > LIMITS.issuer.documentBytesMax) throw refusedFor('is too large');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    response.destroy();
  }
}

/** A rule that a client's document breaks, in words that its developer may read. */
export function refusedFor(rule: string, cause?: unknown): Fault {
  return new Fault('INVALID_ARGUMENT', {
    detail: `The client's metadata document ${rule}.`,
    ...(cause !== undefined && { cause }),
  });
}
