import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Filter } from '../../../contract/frames.ts';
import type { GatewayEvent } from '../../ports.ts';
import { compile, valuesOf } from './filters.ts';

const VALUES = ['a', 'ab', 'b', ''] as const;
const value = fc.constantFrom(...VALUES);
const field = fc.constantFrom('member' as const, 'account' as const, 'type' as const);
const leaf: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({ field, eq: value }),
  fc.record({ field, in: fc.array(value, { minLength: 1, maxLength: 3 }) }),
  fc.record({ field, prefix: value }),
);
const filters: fc.Arbitrary<Filter> = fc.oneof(
  leaf,
  fc.record({ and: fc.array(leaf, { minLength: 1, maxLength: 3 }) }),
  fc.record({ or: fc.array(leaf, { minLength: 1, maxLength: 3 }) }),
  fc.record({ not: leaf }),
  fc.record({ and: fc.tuple(leaf, fc.record({ or: fc.array(leaf, { minLength: 1 }) })) }),
) as fc.Arbitrary<Filter>;

/** By the words of the documentation, without compiling. */
function holds(filter: Filter, event: GatewayEvent): boolean {
  if ('and' in filter) return filter.and.every((part) => holds(part, event));
  if ('or' in filter) return filter.or.some((part) => holds(part, event));
  if ('not' in filter) return !holds(filter.not, event);
  const found = event[filter.field];
  if ('eq' in filter) return found === filter.eq;
  if ('in' in filter) return found !== undefined && filter.in.includes(found);
  return found?.startsWith(filter.prefix) === true;
}

const events = fc
  .record({ member: fc.option(value), account: fc.option(value), type: value })
  .map(({ member, account, type }) => ({
    type,
    ...(member !== null && { member }),
    ...(account !== null && { account }),
  })) as unknown as fc.Arbitrary<GatewayEvent>;

test('a filter holds where its words say so, also of fields that an event has not', () => {
  fc.assert(
    fc.property(filters, events, (filter, event) => {
      assert.equal(compile(filter)(event), holds(filter, event));
    }),
    { numRuns: 2_000 },
  );
});

test('B-GW-5: members that a filter names are all for which it can hold', () => {
  fc.assert(
    fc.property(filters, events, (filter, event) => {
      const members = valuesOf(filter, 'member');
      if (members === undefined || event.member === undefined || !holds(filter, event)) return;
      assert.ok(members.includes(event.member));
    }),
    { numRuns: 2_000 },
  );
});

test('P10 a filter past its bounds is refused', () => {
  const one: Filter = { field: 'type', eq: 'a' };
  const deep: Filter = { not: { not: { not: { not: one } } } };
  for (const filter of [{ and: Array.from({ length: 40 }, () => one) }, deep] as Filter[]) {
    assert.throws(() => compile(filter), { code: 'INVALID_ARGUMENT' });
  }
});
