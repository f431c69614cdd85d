import type { Access, CheckItem, Decision, ObjectRef, Principal, Subject, View } from './ports.ts';

const KINDS: ReadonlySet<string> = new Set<Subject['kind']>(['member', 'practitioner', 'session']);

/**
 * Decisions within the caller's tenant alone. Relations name subjects without their tenant, so two
 * tenants' `user:ana` are one subject there; what keeps them apart is the tenant of the record.
 * Every check is still made, so that a refusal takes the same time; and for what the relations deny
 * already no tenant is looked up, since that look-up is quicker for what is there. An object that the
 * view does not know has nothing to show, and keeps the answer of its relations.
 */
export function withinTenants(access: Access, view: View): Access {
  const isOwn = (principal: Principal, object: ObjectRef): boolean =>
    isOfTenant(view, principal.tenant, object);
  const within = (
    principal: Principal,
    items: readonly CheckItem[],
    decisions: readonly Decision[],
  ): Decision[] =>
    decisions.map((decision, index) => {
      const item = items[index];
      if (!decision.allowed) return decision;
      const own = item !== undefined && isOwn(principal, item.object);
      return own ? decision : { ...decision, allowed: false };
    });
  return {
    check: async (principal, items) =>
      within(principal, items, await access.check(principal, items)),
    known(principal, items) {
      const decisions = access.known(principal, items);
      return decisions && within(principal, items, decisions);
    },
    async lookup(principal, permission, type) {
      const ids = await access.lookup(principal, permission, type);
      return ids.filter((id) => isOwn(principal, { type, id }));
    },
    onChange: (listener) => access.onChange(listener),
  };
}

/** Whether an object is of the tenant, or of nobody yet. Users and agents are of no tenant. */
export function isOfTenant(view: View, tenant: string, { type, id }: ObjectRef): boolean {
  if (type === 'organization') return id === tenant;
  // Suspensions name the tenant in their subject: they are written by a route of their own.
  if (type === 'client') return false;
  if (!KINDS.has(type)) return true;
  const subject: Subject = { kind: type as Subject['kind'], id };
  const known = view.for(view.partitionOf(subject)).tenantOf(subject);
  return known === undefined || known === tenant;
}
