import type { ServerResponse } from 'node:http';
import type { McpHandlerRequestOptions } from '@modelcontextprotocol/server';
import { Fault } from '../kernel/errors.ts';
import { isObject } from '../kernel/json.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Caller } from '../twin/reader/index.ts';
import { acknowledgedIn, listFrame, resultFrame, updateFrame } from './listen-frames.ts';
import { authInfoOf, type McpParts } from './parts.ts';
import type { Hub } from './subscriptions/hub.ts';
import type { Sink } from './subscriptions/stream.ts';
import {
  type EventStream,
  eventStream,
  type Opening,
  openingOf,
} from './transport/event-stream.ts';
import type { KeepAlive } from './transport/keep-alive.ts';
import { createResponseWriter } from './transport/response.ts';

/** A `subscriptions/listen` request of the 2026-07-28 era. */
export function isListen(body: unknown): body is Record<string, unknown> {
  return isObject(body) && body.method === 'subscriptions/listen';
}

export interface ListenParts extends McpParts {
  readonly hub: Hub;
  readonly alive: KeepAlive;
  /** The SDK's handler. */
  readonly begin: (request: Request, options: McpHandlerRequestOptions) => Promise<Response>;
}

export interface ListenExchange {
  readonly request: Request;
  readonly res: ServerResponse;
  readonly body: Record<string, unknown>;
  readonly caller: Caller;
}

/**
 * Serves one listen stream. The SDK acknowledges whatever is asked for (security.md §0.1), so the
 * filter is cut to what may be read before the SDK sees it. It says how the stream begins, and is
 * left then: what it holds for a stream is more than the rest of it together. Updates come from the
 * hub, with what this subscriber may know and as fast as it reads.
 */
export async function serveListen(parts: ListenParts, exchange: ListenExchange): Promise<void> {
  const { request, res, body, caller } = exchange;
  const { hub } = parts;
  let events: EventStream | undefined;
  let ending = false;
  const subscription = JSON.stringify(body.id);
  const end = (): void => {
    ending = true;
    events?.end(resultFrame(parts, JSON.parse(subscription)));
  };
  const sink: Sink = {
    ready: () => events?.open === true && !ending,
    send: async (update) => (await events?.push(updateFrame(parts, update, subscription))) === true,
    expired: end,
    revoked: end,
    unverifiable: end,
  };
  const stream = hub.open('listen', caller.principal, sink);
  let kept = false;
  try {
    const granted = await stream.add(caller, urisOf(body));
    const asked = { authInfo: authInfoOf(caller), parsedBody: withUris(body, granted) };
    const response = await parts.begin(request, asked);
    const opening = await openingOf(response);
    if (opening === undefined) return await createResponseWriter(res).write(response);
    if (res.destroyed) return;
    events = begun(res, response, opening);
    if (ending) end();
    else if (!opening.whole) {
      kept = true;
      keep(parts, events, { opening, subscription, onOver: () => stream.close() });
      stream.wake(caller);
    }
  } finally {
    if (!kept) stream.close();
  }
}

function begun(res: ServerResponse, response: Response, { frames, whole }: Opening): EventStream {
  res.writeHead(response.status, Object.fromEntries(response.headers));
  for (const frame of frames) res.write(frame);
  if (whole) res.end();
  return eventStream(res);
}

/** Nobody waits for its end: what a request holds while it is answered is let go of here. */
function keep(
  { alive, profile, report }: ListenParts,
  events: EventStream,
  kept: { opening: Opening; subscription: string; onOver: () => void },
): void {
  const { opening, subscription, onOver } = kept;
  const release = alive.add(events);
  const forget = profile?.listening((kind) => {
    const acknowledged = acknowledgedIn(Buffer.concat(opening.frames).toString());
    const frame = listFrame(kind, acknowledged, JSON.parse(subscription));
    if (frame !== undefined) void events.push(frame);
  });
  events.over
    .then(() => {
      release();
      forget?.();
      onOver();
    })
    .catch(report);
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
