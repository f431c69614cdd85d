import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import {
  isLoopbackAddress,
  isPublicAddress,
  lookupOf,
  type Resolve,
} from '../../../../kernel/public-address.ts';
import type { PusherApp } from '../apps.ts';
import { hmacHex } from '../signatures.ts';
import { isOnLoopback } from './address.ts';

const TIMEOUT_MS = 5_000;

/** One POST of webhooks. Resolves whether it was taken; redirects are not followed. */
export type Post = (
  url: string,
  app: Pick<PusherApp, 'key' | 'secret'>,
  body: string,
) => Promise<void>;

/**
 * Signed over the raw body, so that its receiver knows whose it is (realtime.md §2.8). A name that
 * means an address of ours is not asked: what it means is looked at in the look-up of the connection.
 * @throws Error for whatever is not 2xx within 5 s; never with what the host answered
 */
export const postWebhook: Post = (text, app, body) => post(text, app, body);

/** @param resolve for tests; the system's */
export function post(
  text: string,
  app: Pick<PusherApp, 'key' | 'secret'>,
  body: string,
  resolve?: Resolve,
): Promise<void> {
  const url = new URL(text);
  const own = isOnLoopback(url);
  const send = url.protocol === 'http:' ? requestHttp : requestHttps;
  return new Promise((taken, reject) => {
    const asked = send(url, {
      method: 'POST',
      // A connection of its own: a pooled one was checked for another name.
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      lookup: lookupOf(own ? isLoopbackAddress : isPublicAddress, notPublic, resolve),
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'digital-twin-mcp',
        'x-pusher-key': app.key,
        'x-pusher-signature': hmacHex(app.secret, body),
      },
    });
    asked.once('error', (cause) => reject(new Error('the webhook was not taken', { cause })));
    asked.once('response', ({ statusCode = 0 }) => {
      // Nothing of the answer is read.
      asked.destroy();
      if (statusCode >= 200 && statusCode < 300) taken();
      else reject(new Error(`the webhook was answered by ${statusCode}`));
    });
    asked.end(body);
  });
}

function notPublic(): Error {
  return new Error('the host of the webhook is not public');
}
