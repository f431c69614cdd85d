import { FILTER_BOUNDS, type Filter, type FilterField } from '../../../contract/frames.ts';
import { Fault } from '../../../kernel/errors.ts';
import type { GatewayEvent } from '../../ports.ts';

/** Whether an event is wanted; compiled once, so that an event costs a few comparisons. */
export type Predicate = (event: GatewayEvent) => boolean;

export const EVERYTHING: Predicate = () => true;

/** @throws Fault INVALID_ARGUMENT past the bounds */
export function compile(filter: Filter): Predicate {
  let nodes = 0;
  const build = (part: Filter, depth: number): Predicate => {
    nodes += 1;
    if (nodes > FILTER_BOUNDS.nodes || depth > FILTER_BOUNDS.depth) {
      const { nodes: most, depth: deep } = FILTER_BOUNDS;
      const detail = `filters: at most ${most} conditions, ${deep} deep.`;
      throw new Fault('INVALID_ARGUMENT', { detail });
    }
    if ('and' in part) {
      const all = part.and.map((one) => build(one, depth + 1));
      return (event) => all.every((one) => one(event));
    }
    if ('or' in part) {
      const any = part.or.map((one) => build(one, depth + 1));
      return (event) => any.some((one) => one(event));
    }
    if ('not' in part) {
      const inner = build(part.not, depth + 1);
      return (event) => !inner(event);
    }
    return condition(part);
  };
  return build(filter, 1);
}

function condition(part: Extract<Filter, { readonly field: FilterField }>): Predicate {
  const { field } = part;
  if ('eq' in part) return (event) => event[field] === part.eq;
  if ('in' in part) {
    const values = new Set(part.in);
    return (event) => {
      const value = event[field];
      return value !== undefined && values.has(value);
    };
  }
  return (event) => event[field]?.startsWith(part.prefix) === true;
}

/**
 * Values that a field can have at most for the filter to hold; `undefined`: any. What a
 * subscription is of has to be said plainly, so only conditions that all must hold count.
 */
export function valuesOf(filter: Filter | undefined, field: FilterField): string[] | undefined {
  if (filter === undefined) return undefined;
  if ('and' in filter) {
    for (const part of filter.and) {
      const values = valuesOf(part, field);
      if (values !== undefined) return values;
    }
    return undefined;
  }
  if ('or' in filter) {
    const all = filter.or.map((part) => valuesOf(part, field));
    return all.every((values) => values !== undefined) ? [...new Set(all.flat())] : undefined;
  }
  if (!('field' in filter) || filter.field !== field) return undefined;
  if ('eq' in filter) return [filter.eq];
  return 'in' in filter ? [...new Set(filter.in)] : undefined;
}
