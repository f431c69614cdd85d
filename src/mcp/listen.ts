import type { ServerResponse } from 'node:http';
import {
  createMcpHandler,
  InMemoryServerEventBus,
  type McpServerFactory,
  SUBSCRIPTION_ID_META_KEY,
} from '@modelcontextprotocol/server';
import { META } from '../contract/meta.ts';
import { Fault } from '../kernel/errors.ts';
import { isObject } from '../kernel/json.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Caller } from '../twin/reader/index.ts';
import { authInfoOf, type McpParts } from './parts.ts';
import type { Hub } from './subscriptions/hub.ts';
import type { Sink, Update } from './subscriptions/stream.ts';
import { createResponseWriter } from './transport/response.ts';

/** A `subscriptions/listen` request of the 2026-07-28 era. */
export function isListen(body: unknown): body is Record<string, unknown> {
  return isObject(body) && body.method === 'subscriptions/listen';
}

/**
 * Serves one listen stream. The SDK acknowledges whatever is asked for (security.md §0.1), so the
 * filter is cut to what may be read before the SDK sees it. It begins, keeps alive and ends the
 * stream; updates are written between its frames, in the words that it has for them, as what this
 * subscriber may know and as fast as it reads: put into words once for all who are told.
 */
export async function serveListen(
  parts: McpParts,
  hub: Hub,
  factory: McpServerFactory,
  exchange: {
    request: Request;
    res: ServerResponse;
    body: Record<string, unknown>;
    caller: Caller;
  },
): Promise<void> {
  const { request, res, body, caller } = exchange;
  const bus = new InMemoryServerEventBus((error) => parts.report(error, caller.correlationId));
  const writer = createResponseWriter(res);
  const handler = createMcpHandler(factory, { legacy: 'reject', bus, maxSubscriptions: 1 });
  // The SDK answers the graceful close with the listen result, then ends the stream.
  let [begun, ending] = [false, false];
  const close = (): void => {
    ending = true;
    handler.close().catch((error: unknown) => parts.report(error));
  };
  const subscription = JSON.stringify(body.id);
  const sink: Sink = {
    ready: () => begun && !ending && writer.open,
    send: (update) => writer.push(frameOf(parts, update, subscription)),
    expired: close,
    revoked: close,
    unverifiable: close,
  };
  const forget = parts.profile?.listening(bus);
  const stream = hub.open('listen', caller.principal, sink);
  try {
    const granted = await stream.add(caller, urisOf(body));
    const response = await handler.fetch(request, {
      authInfo: authInfoOf(caller),
      parsedBody: withUris(body, granted),
    });
    await writer.write(response, () => {
      begun = true;
      stream.wake(caller);
    });
  } finally {
    stream.close();
    forget?.();
    close();
  }
}

/** What a notification says of the change; the client reads the document through the door. */
export function noteOf(
  parts: McpParts,
  { etag, place }: Update,
): { _meta: Record<string, string> } {
  const position = place && parts.positions.encode({ epoch: parts.epoch(), places: [place] });
  return {
    _meta: {
      ...(etag !== undefined && { [META.etag]: etag }),
      ...(position !== undefined && { [META.position]: position }),
    },
  };
}

interface Frame {
  readonly before: string;
  readonly after: string;
}

const frames = new WeakMap<Update, Frame>();

/** The SDK's own notification of the update, cut where the subscription stands. */
export function frameOf(parts: McpParts, update: Update, subscription: string): string {
  const known = frames.get(update) ?? cutFrame(parts, update);
  frames.set(update, known);
  return `${known.before}${subscription}${known.after}`;
}

function cutFrame(parts: McpParts, update: Update): Frame {
  const { _meta } = noteOf(parts, update);
  const text = JSON.stringify({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { _meta: { ..._meta, [SUBSCRIPTION_ID_META_KEY]: null }, uri: update.uri },
  });
  const key = `${JSON.stringify(SUBSCRIPTION_ID_META_KEY)}:`;
  const at = text.indexOf(`${key}null`) + key.length;
  return {
    before: `event: message\ndata: ${text.slice(0, at)}`,
    after: `${text.slice(at + 'null'.length)}\n\n`,
  };
}

function urisOf(body: Record<string, unknown>): string[] {
  const filter = isObject(body.params) ? body.params.notifications : undefined;
  const uris = isObject(filter) ? filter.resourceSubscriptions : undefined;
  if (!Array.isArray(uris)) return [];
  if (uris.length > LIMITS.urisPerSubscriptionMax) {
    const detail = `At most ${LIMITS.urisPerSubscriptionMax} URIs in one listen request.`;
    throw new Fault('INVALID_ARGUMENT', { detail });
  }
  return uris.filter((uri) => typeof uri === 'string');
}

/** The request with the granted URIs in place of those asked for; what is no string stays wrong. */
function withUris(body: Record<string, unknown>, granted: string[]): Record<string, unknown> {
  const params = isObject(body.params) ? body.params : {};
  const filter = params.notifications;
  if (!isObject(filter) || !Array.isArray(filter.resourceSubscriptions)) return body;
  if (filter.resourceSubscriptions.some((uri) => typeof uri !== 'string')) return body;
  return {
    ...body,
    params: { ...params, notifications: { ...filter, resourceSubscriptions: granted } },
  };
}
