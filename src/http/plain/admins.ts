import { Fault } from '../../kernel/errors.ts';
import type { ObjectRef } from '../../twin/ports.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { HttpParts } from '../parts.ts';

/**
 * A scope never grants (design §5): relations are for admins of the caller's tenant, and for objects
 * of that tenant alone. Only where a tenant has no admin yet does the scope suffice, to name one.
 * @throws Fault NOT_FOUND, once the refusal is in the audit.
 */
export async function requireAdmin(
  { access, relations, ofTenant, audit }: HttpParts,
  caller: Caller,
  objects: readonly ObjectRef[],
): Promise<void> {
  const { tenant } = caller.principal;
  const organization = { type: 'organization', id: tenant };
  const item = { permission: 'admin', object: organization };
  const [decision] = await access.check(caller.principal, [item]);
  const own = objects.every((object) => ofTenant(tenant, object));
  if (own && decision?.allowed === true) return;
  const admins = await relations.list({ ...organization, relation: 'admin' });
  if (own && admins.length === 0) return;
  await audit.append({
    ...{ action: 'relations', outcome: 'denied', ...caller },
    what: objects.map(({ type, id }) => ({ uri: `${type}:${id}` })),
    why: `admin of organization:${tenant}`,
  });
  throw new Fault('NOT_FOUND');
}
