import type { AccessChange, Principal } from './ports.ts';

/** Who acts, for whom, through which client: what sessions, floors and cursors are bound to. */
export function principalKey(principal: Principal): string {
  const known = keys.get(principal);
  if (known !== undefined) return known;
  const { tenant, kind, subject, actor, clientId } = principal;
  const key = JSON.stringify([tenant, kind, subject, actor ?? '', clientId]);
  keys.set(principal, key);
  return key;
}

/** A verified token gives the same object again, and each request asks a few times. */
const keys = new WeakMap<Principal, string>();

/** `ana`, or `agent assistant for ana`: for logs of writes and provenance. */
export function actorName(principal: Principal): string {
  const self = principal.kind === 'agent' ? `agent:${principal.subject}` : principal.subject;
  return principal.actor === undefined ? self : `agent:${principal.actor} for ${self}`;
}

/** By which names a vendor's software is at work here: its OAuth client, and the agent that acts. */
export function clientsOf(principal: Principal): string[] {
  const { clientId, actor, actors = [], kind, subject } = principal;
  const agent = kind === 'agent' ? subject : actor;
  // Of a chain the outermost decides what may be read; whoever else is in it has its part as well.
  return [...new Set([clientId, ...(agent === undefined ? [] : [agent]), ...actors])];
}

/** Whether a change ends all that a principal has open, whatever may be read. */
export function endsAllOf(change: AccessChange, principal: Principal): boolean {
  if (change.kind === 'token') return change.tokenId === principal.tokenId;
  if (change.kind !== 'client') return false;
  return change.tenant === principal.tenant && clientsOf(principal).includes(change.client);
}
