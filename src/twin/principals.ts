import type { Principal } from './ports.ts';

/** Who acts, for whom, through which client: what sessions, floors and cursors are bound to. */
export function principalKey(principal: Principal): string {
  const { tenant, kind, subject, actor, clientId } = principal;
  return JSON.stringify([tenant, kind, subject, actor ?? '', clientId]);
}

/** `ana`, or `agent assistant for ana`: for logs of writes and provenance. */
export function actorName(principal: Principal): string {
  const self = principal.kind === 'agent' ? `agent:${principal.subject}` : principal.subject;
  return principal.actor === undefined ? self : `agent:${principal.actor} for ${self}`;
}
