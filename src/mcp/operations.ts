import { missingScopes, missingToRead, type Operation } from '../contract/scopes.ts';
import { parseUri } from '../contract/uris.ts';
import { isObject } from '../kernel/json.ts';
import type { Principal } from '../twin/ports.ts';

const BY_METHOD: Readonly<Record<string, Operation>> = {
  'resources/read': 'read',
  'resources/list': 'list',
  'prompts/get': 'read',
  'completion/complete': 'list',
  'resources/subscribe': 'subscribe',
  'subscriptions/listen': 'subscribe',
};

const BY_TOOL: Readonly<Record<string, Operation>> = {
  search: 'search',
  readDocument: 'read',
  chat: 'chat',
};

/**
 * The scopes that a message needs and its token lacks, before any handler runs, so that the answer
 * is the 403 from which a client knows what to ask for: from the body, never from the `Mcp-Method`
 * header (security.md §1.1 A3).
 */
export function missingScopesOf({ scopes }: Principal, body: unknown): string[] {
  if (!isObject(body) || typeof body.method !== 'string') return [];
  const params = isObject(body.params) ? body.params : {};
  const called = body.method === 'tools/call';
  const operation = called ? lookUp(BY_TOOL, params.name) : lookUp(BY_METHOD, body.method);
  if (operation === undefined) return [];
  const missing = missingScopes(scopes, operation);
  if (operation !== 'read' || missing.length > 0) return missing;
  return missingForUri(scopes, called ? params.arguments : params);
}

/** Of a read, where the scopes are for some sections only. */
function missingForUri(scopes: ReadonlySet<string>, named: unknown): string[] {
  const uri = isObject(named) && typeof named.uri === 'string' ? parseUri(named.uri) : null;
  return uri === null ? [] : missingToRead(scopes, uri);
}

function lookUp(table: Readonly<Record<string, Operation>>, key: unknown): Operation | undefined {
  return typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined;
}
