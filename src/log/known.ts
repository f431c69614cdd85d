import type { KnownRecords } from '../twin/fhir/records.ts';
import type { DeciderState } from './decider-state.ts';
import { type IdentityRules, memberIdOf, resourceIdOf, takenByAnother } from './identity.ts';

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
  return {
    byIdentifier: (type, system, value) => only(state.identified(tenant, type, { system, value })),
    has: (type, id) => state.holders(tenant, type, id).length > 0,
    memberOf(type, id) {
      const holder = only(state.holders(tenant, type, id));
      return holder !== 'directory' && holder?.kind === 'member' ? holder.id : undefined;
    },
    nameOf: (reference) => state.nameOf(tenant, reference),
    memberId(patientId) {
      const member = memberIdOf(rules, tenant, source, patientId);
      const owner = state.tenantOf({ kind: 'member', id: member });
      if (owner !== undefined && owner !== tenant) throw takenByAnother();
      return member;
    },
    resourceId: (type, id) => resourceIdOf(rules, tenant, source, type, id),
  };
}

function only<T>(found: readonly T[]): T | undefined {
  return found.length === 1 ? found[0] : undefined;
}
