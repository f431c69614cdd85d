import { missingScopes, type Operation } from '../contract/scopes.ts';
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
 * The scopes that a message needs and its token lacks, all at once, before any handler runs: from
 * the body, never from the `Mcp-Method` header (security.md §1.1 A3).
 */
export function missingScopesOf(principal: Principal, body: unknown): string[] {
  if (!isObject(body) || typeof body.method !== 'string') return [];
  const operation =
    body.method === 'tools/call' ? toolOperation(body.params) : lookUp(BY_METHOD, body.method);
  return operation === undefined ? [] : missingScopes(principal.scopes, operation);
}

function toolOperation(params: unknown): Operation | undefined {
  return isObject(params) && typeof params.name === 'string'
    ? lookUp(BY_TOOL, params.name)
    : undefined;
}

function lookUp(table: Readonly<Record<string, Operation>>, key: string): Operation | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
