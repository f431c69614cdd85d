import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Access, CheckItem, Principal, Subject, View } from './ports.ts';
import { withinTenants } from './tenants.ts';

/** Relations allow what is in `allowed`; each subject that is looked up is written down. */
function room(allowed: ReadonlySet<string>) {
  const tenants = new Map([
    ['own', 'demo'],
    ['far', 'elsewhere'],
  ]);
  const lookedUp: string[] = [];
  const shard = {
    tenantOf({ id }: Subject) {
      lookedUp.push(id);
      return tenants.get(id);
    },
  };
  const view = { partitionOf: () => 0, for: () => shard } as unknown as View;
  const decide = (_: Principal, items: readonly CheckItem[]) =>
    items.map(({ object }) => ({ allowed: allowed.has(object.id), revision: 'r1' }));
  const access = {
    check: async (...asked: Parameters<typeof decide>) => decide(...asked),
    known: decide,
  } as unknown as Access;
  return { within: withinTenants(access, view), lookedUp };
}

const principal = { tenant: 'demo' } as Principal;
const items = ['own', 'far', 'absent'].map((id) => ({
  permission: 'view_care',
  object: { type: 'member', id },
}));

test('what relations allow is allowed within the tenant, and of nobody yet', async () => {
  const { within } = room(new Set(['own', 'far', 'absent']));
  const decisions = await within.check(principal, items);
  assert.deepEqual(
    decisions.map(({ allowed }) => allowed),
    [true, false, true],
  );
});

test('P1: of what relations deny no tenant is looked up, which takes longer for who is not there', async () => {
  const { within, lookedUp } = room(new Set());
  const decisions = [await within.check(principal, items), within.known(principal, items) ?? []];
  assert.ok(decisions.flat().every(({ allowed }) => !allowed));
  assert.equal(decisions.flat().length, 6);
  assert.deepEqual(lookedUp, []);
});
