import { randomId } from '../kernel/ids.ts';
import type { AuditEntry, Principal } from './ports.ts';

/** One receiver was told of one thing. */
export interface Notified {
  /** Its stream or connection. */
  readonly stream: string;
  readonly principal: Principal;
  readonly what: AuditEntry['what'][number];
}

/**
 * The audit records of a delivery: what was told, and to whom which of it. One a tenant, since
 * nobody's officer reads of another tenant's members or receivers.
 */
export function notifiedEntries(notified: readonly Notified[]): AuditEntry[] {
  const byTenant = Map.groupBy(notified, ({ principal }) => principal.tenant);
  return [...byTenant.values()].map((own) => ({
    action: 'notify',
    outcome: 'success',
    correlationId: randomId(),
    ...toldOf(own),
    why: 'view permissions by check at delivery',
  }));
}

function toldOf(notified: readonly Notified[]): Pick<AuditEntry, 'what' | 'receivers'> {
  const places = new Map<string, number>();
  const whats: AuditEntry['what'][number][] = [];
  const streams = new Map<string, { principal: Principal; told: number[] }>();
  for (const { stream, principal, what } of notified) {
    const name = `${what.uri} ${what.variant} ${what.etag}`;
    const place = places.get(name) ?? whats.length;
    if (place === whats.length) whats.push(what);
    places.set(name, place);
    const receiver = streams.get(stream) ?? { principal, told: [] };
    receiver.told.push(place);
    streams.set(stream, receiver);
  }
  const receivers = [...streams].map(([stream, { principal, told }]) => ({
    ...{ stream, principal },
    // Most rows are of one document, which then everybody was told of.
    ...(told.length < whats.length && { told }),
  }));
  return { what: whats, receivers };
}
