import type { Filter } from '../../contract/frames.ts';
import { TwinError } from '../twin-error.ts';
import type { SubscribeOptions } from './types.ts';

const ID = /^[A-Za-z0-9-]{1,64}$/;
const IDS_MAX = 100;

/**
 * What the gateway would end the whole connection for is refused here, for the one call alone.
 * @throws TwinError INVALID_ARGUMENT
 */
export function checkIds(ids: string | readonly string[] = []): void {
  const all = typeof ids === 'string' ? [ids] : ids;
  if (all.length <= IDS_MAX && all.every((id) => ID.test(id))) return;
  throw new TwinError('INVALID_ARGUMENT', { message: 'An id is wrong, or there are too many.' });
}

/** What is asked of the server: the members and sessions named, and whatever else was given. */
export function filterOf({ member, session, filters }: SubscribeOptions): Filter | undefined {
  const all = [named('member', member), named('session', session), filters];
  const parts = all.filter((part) => part !== undefined);
  return parts.length > 1 ? { and: parts } : parts[0];
}

function named(
  field: 'member' | 'session',
  ids: string | readonly string[] | undefined,
): Filter | undefined {
  if (ids === undefined) return undefined;
  return typeof ids === 'string' ? { field, eq: ids } : { field, in: ids };
}

/**
 * Whether the change feed's word of a document passes. `undefined`: the filter looks at what the
 * feed does not say, and nothing is told rather than too much.
 */
export function passes(filter: Filter | undefined, uri: string, type: string): boolean | undefined {
  if (filter === undefined) return true;
  if ('not' in filter) {
    const inner = passes(filter.not, uri, type);
    return inner === undefined ? undefined : !inner;
  }
  if ('and' in filter || 'or' in filter) {
    const deciding = 'or' in filter;
    const inner = ('or' in filter ? filter.or : filter.and).map((one) => passes(one, uri, type));
    if (inner.includes(deciding)) return deciding;
    return inner.includes(undefined) ? undefined : !deciding;
  }
  const value = { uri, type, member: memberOf(uri) }[String(filter.field)];
  if (value === undefined) return undefined;
  if ('eq' in filter) return filter.eq === value;
  return 'in' in filter ? filter.in.includes(value) : value.startsWith(filter.prefix);
}

export function memberOf(uri: string): string | undefined {
  return /^mcp:\/\/twins\/member\/([^/]+)\//.exec(uri)?.[1];
}
