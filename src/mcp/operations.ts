import {
  missingScopes,
  missingToRead,
  type Operation,
  requiredScopes,
  requiredToRead,
} from '../contract/scopes.ts';
import { parseUri, type TwinUri } from '../contract/uris.ts';
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
export function missingScopesOf({ scopes }: Pick<Principal, 'scopes'>, body: unknown): string[] {
  const { operation, uri } = operationOf(body);
  if (operation === undefined) return [];
  const missing = missingScopes(scopes, operation);
  if (uri === undefined || missing.length > 0) return missing;
  return missingToRead(scopes, uri);
}

/** All scopes of the message's operation, for a challenge; none where it needs none. */
export function requiredScopesOf(held: ReadonlySet<string>, body: unknown): string[] {
  const { operation, uri } = operationOf(body);
  if (operation === undefined) return [];
  return uri === undefined ? requiredScopes(held, operation) : requiredToRead(held, uri);
}

/** What a message wants to do, and of a read what it wants to read. */
function operationOf(body: unknown): { operation?: Operation | undefined; uri?: TwinUri } {
  if (!isObject(body) || typeof body.method !== 'string') return {};
  const params = isObject(body.params) ? body.params : {};
  const called = body.method === 'tools/call';
  const operation = called ? lookUp(BY_TOOL, params.name) : lookUp(BY_METHOD, body.method);
  const named = called ? params.arguments : params;
  if (operation !== 'read' || !isObject(named) || typeof named.uri !== 'string') {
    return { operation };
  }
  const uri = parseUri(named.uri);
  return uri === null ? { operation } : { operation, uri };
}

function lookUp(table: Readonly<Record<string, Operation>>, key: unknown): Operation | undefined {
  return typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined;
}
