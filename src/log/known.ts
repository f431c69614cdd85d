import type { KnownRecords } from '../twin/fhir/records.ts';
import type { DeciderState } from './decider-state.ts';
import { mustNotBeForgotten } from './forget.ts';
import { type IdentityRules, memberIdOf, resourceIdOf, takenByAnother } from './identity.ts';
import { survivorOf } from './survivors.ts';

/**
 * What one tenant's bundle may refer to. Where an identifier or an id means several records it
 * means none: a record is never filed with the wrong person.
 */
export function knownRecords(
  state: DeciderState,
  rules: IdentityRules,
  tenant: string,
  source: string,
): KnownRecords {
  const survivor = (member: string): string => survivorOf(state, tenant, member);
  const isLive = (type: string, id: string): boolean => state.holders(tenant, type, id).length > 0;
  const memberId = (patientId: string): string => memberIdOf(rules, tenant, source, patientId);
  return {
    byIdentifier(type, system, value) {
      const ids = state.identified(tenant, type, { system, value });
      return type === 'Patient' ? [...new Set(ids.map(survivor))] : ids;
    },
    byUrl(url) {
      const named = state.urlOf(tenant, source, url);
      const [, id] = /^urn:uuid:([0-9a-f-]{36})$/.exec(url) ?? [];
      if (named !== undefined || id === undefined) return named;
      const patient = memberId(id);
      if (isLive('Patient', patient)) return `Patient/${patient}`;
      const type = only(state.typesOf(tenant, id));
      return type === undefined ? undefined : `${type}/${id}`;
    },
    has: isLive,
    memberOf(type, id) {
      const holder = only(state.holders(tenant, type, id));
      if (holder === undefined && type === 'Patient') {
        return survivor(id) === id ? undefined : survivor(id);
      }
      return holder !== 'directory' && holder?.kind === 'member' ? holder.id : undefined;
    },
    nameOf: (reference) => state.nameOf(tenant, reference),
    memberId(patientId) {
      const member = memberId(patientId);
      const owner = state.tenantOf({ kind: 'member', id: member });
      if (owner !== undefined && owner !== tenant) throw takenByAnother();
      mustNotBeForgotten(state, tenant, member);
      return member;
    },
    resourceId: (type, id) => resourceIdOf(rules, tenant, source, type, id),
  };
}

function only<T>(found: readonly T[]): T | undefined {
  return found.length === 1 ? found[0] : undefined;
}
