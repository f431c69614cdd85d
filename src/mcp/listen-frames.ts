import {
  SERVER_INFO_META_KEY,
  type ServerEvent,
  SUBSCRIPTION_ID_META_KEY,
} from '@modelcontextprotocol/server';
import { META } from '../contract/meta.ts';
import { isObject } from '../kernel/json.ts';
import type { McpParts } from './parts.ts';
import { identityOf } from './server.ts';
import type { Update } from './subscriptions/stream.ts';

/**
 * The frames of a listen stream after its acknowledgement, in the words that the SDK has for them
 * (`listen-frames.test.ts` compares both).
 */

/** What a notification says of the change; the client reads the document through the door. */
export function noteOf(
  parts: Pick<McpParts, 'positions' | 'epoch'>,
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

interface Cut {
  readonly before: string;
  readonly after: string;
}

const cuts = new WeakMap<Update, Cut>();

/** @param subscription the id of the listen request, as JSON */
export function updateFrame(
  parts: Pick<McpParts, 'positions' | 'epoch'>,
  update: Update,
  subscription: string,
): string {
  const known = cuts.get(update) ?? cutOf(parts, update);
  cuts.set(update, known);
  return `${known.before}${subscription}${known.after}`;
}

function cutOf(parts: Pick<McpParts, 'positions' | 'epoch'>, update: Update): Cut {
  const { _meta } = noteOf(parts, update);
  const params = { _meta: { ..._meta, [SUBSCRIPTION_ID_META_KEY]: null }, uri: update.uri };
  const text = frame({ jsonrpc: '2.0', method: 'notifications/resources/updated', params });
  const key = `${JSON.stringify(SUBSCRIPTION_ID_META_KEY)}:`;
  const at = text.indexOf(`${key}null`) + key.length;
  return { before: text.slice(0, at), after: text.slice(at + 'null'.length) };
}

/** The result of the listen request, which ends its stream. */
export function resultFrame(parts: Pick<McpParts, 'version'>, id: unknown): string {
  const _meta = { [SUBSCRIPTION_ID_META_KEY]: id, [SERVER_INFO_META_KEY]: identityOf(parts) };
  return frame({ jsonrpc: '2.0', id, result: { resultType: 'complete', _meta } });
}

const LISTS: Readonly<
  Partial<Record<ServerEvent['kind'], readonly [key: string, method: string]>>
> = {
  tools_list_changed: ['toolsListChanged', 'notifications/tools/list_changed'],
  prompts_list_changed: ['promptsListChanged', 'notifications/prompts/list_changed'],
  resources_list_changed: ['resourcesListChanged', 'notifications/resources/list_changed'],
};

/** That a list has changed; `undefined` where the acknowledgement does not promise to tell. */
export function listFrame(
  kind: ServerEvent['kind'],
  acknowledged: Record<string, unknown>,
  id: unknown,
): string | undefined {
  const [key, method] = LISTS[kind] ?? [];
  if (key === undefined || acknowledged[key] !== true) return undefined;
  return frame({ jsonrpc: '2.0', method, params: { _meta: { [SUBSCRIPTION_ID_META_KEY]: id } } });
}

/** What the SDK has acknowledged. */
export function acknowledgedIn(opening: string): Record<string, unknown> {
  const [, data = '{}'] = /^data: (.*)$/m.exec(opening) ?? [];
  const message: unknown = JSON.parse(data);
  const params = isObject(message) && isObject(message.params) ? message.params : {};
  return isObject(params.notifications) ? params.notifications : {};
}

function frame(message: object): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}
