/** OAuth scopes, and the one table of which operation needs which (contract "Identity"). */

import { SECTIONS, type Section, type TwinUri } from './uris.ts';

/** Events that a producer without Kafka may publish over `POST /v1/events`. */
export const PUBLISHED_EVENTS = [
  'call.accepted',
  'call.ready',
  'call.ended',
  'call.join',
  'call.extend',
  'sessions.service-request.created',
  'sessions.service-request.updated',
  'sessions.task.created',
  'sessions.task.updated',
  'sessions.task.completed',
  'sessions.care.updated',
] as const;
export type PublishedEvent = (typeof PUBLISHED_EVENTS)[number];

export const SCOPES = [
  'twin:read',
  ...SECTIONS.map((section) => `twin:read:${section}` as const),
  'twin:search',
  'twin:chat',
  'twin:subscribe',
  'eligibility:check',
  'sessions:write',
  'sources:write',
  'relations:write',
  'agents:manage',
  'breakglass',
  'twin:deidentified',
  'audit:read',
  'admin',
  ...PUBLISHED_EVENTS.map((type) => `events:publish:${type}` as const),
] as const;

/** What `digital-twin token` gives when no scope is named. */
export const DEFAULT_SCOPES = ['twin:read', 'twin:search', 'twin:chat', 'twin:subscribe'] as const;

export type Operation =
  | 'read'
  | 'list'
  | 'search'
  | 'chat'
  | 'subscribe'
  | 'import'
  | 'relations'
  | 'explain'
  | 'agents'
  | 'break-glass'
  | 'eligibility'
  | 'eligibility-status'
  | 'suspensions'
  | 'find-members'
  | 'audit'
  | 'flags'
  | 'dead-letters'
  | 'replay'
  | 'snapshots'
  | 'keeping'
  | 'deidentified'
  | 'publish-event'
  | 'metrics';

/** All of the scopes that an operation needs. A section read needs `twin:read` or its section's. */
export const OPERATION_SCOPES: Readonly<Record<Operation, readonly string[]>> = {
  read: ['twin:read'],
  list: ['twin:read'],
  search: ['twin:read', 'twin:search'],
  chat: ['twin:read', 'twin:chat'],
  subscribe: ['twin:read', 'twin:subscribe'],
  import: ['sources:write'],
  relations: ['relations:write'],
  explain: ['relations:write'],
  agents: ['agents:manage'],
  'break-glass': ['breakglass'],
  eligibility: ['eligibility:check'],
  'eligibility-status': ['admin'],
  suspensions: ['admin'],
  'find-members': ['sources:write'],
  audit: ['audit:read'],
  flags: ['admin'],
  'dead-letters': ['admin'],
  replay: ['admin'],
  snapshots: ['admin'],
  keeping: ['admin'],
  deidentified: ['twin:deidentified'],
  // One scope an event: which, the body says.
  'publish-event': [],
  metrics: ['admin'],
};

/** Whether the scopes allow reading this section: `twin:read`, or the section's own scope. */
export function mayReadSection(scopes: ReadonlySet<string>, section: Section): boolean {
  return scopes.has('twin:read') || scopes.has(`twin:read:${section}`);
}

/** Whether the scopes allow reading anything of a twin. */
export function mayReadAnything(scopes: ReadonlySet<string>): boolean {
  return scopes.has('twin:read') || SECTIONS.some((s) => scopes.has(`twin:read:${s}`));
}

/** The scopes that are missing for an operation; empty when it may proceed. */
export function missingScopes(scopes: ReadonlySet<string>, operation: Operation): string[] {
  return OPERATION_SCOPES[operation].filter((scope) =>
    scope === 'twin:read' ? !mayReadAnything(scopes) : !scopes.has(scope),
  );
}

/**
 * All scopes of an operation at once, for a challenge: what is held and serves, and what is missing
 * (MCP step-up, SEP-2350), so that the token asked for next fits in one go. A section's scope that is
 * held serves where any read will do.
 */
export function requiredScopes(held: ReadonlySet<string>, operation: Operation): string[] {
  return OPERATION_SCOPES[operation].flatMap((scope) => {
    if (scope !== 'twin:read' || held.has(scope)) return [scope];
    const sections = SECTIONS.map((section) => `twin:read:${section}`).filter((s) => held.has(s));
    return sections.length > 0 ? sections : [scope];
  });
}

/** The same for a read of one URI: the narrowest scope that opens it. */
export function requiredToRead(held: ReadonlySet<string>, uri: TwinUri): string[] {
  if (held.has('twin:read')) return ['twin:read'];
  if (uri.kind === 'section' || uri.kind === 'source') return [`twin:read:${uri.section}`];
  return uri.kind === 'changes' ? requiredScopes(held, 'read') : ['twin:read'];
}

/**
 * The scope that is missing to read this URI; empty when it may be asked for. Decided by the URI's
 * form alone, so that it says nothing of whether there is such a document.
 */
export function missingToRead(scopes: ReadonlySet<string>, uri: TwinUri): string[] {
  if (uri.kind === 'section' || uri.kind === 'source') {
    return mayReadSection(scopes, uri.section) ? [] : [`twin:read:${uri.section}`];
  }
  const may = uri.kind === 'changes' ? mayReadAnything(scopes) : scopes.has('twin:read');
  return may ? [] : ['twin:read'];
}
