import { isObject, type JsonObject } from '../../kernel/json.ts';
import { PROTECTED_NOTICE } from './registry.ts';

export const MINIMAL_NOTICE =
  'The purpose of use of this access token needs only some elements of this section; the others ' +
  'are not part of this view, whether or not there are any.';

export const MINIMAL_NOTICES: readonly string[] = [MINIMAL_NOTICE, PROTECTED_NOTICE];

/** The elements at these paths (`identity.title`) and nothing else; what is not there stays away. */
export function minimalOf(data: JsonObject, paths: readonly string[]): JsonObject {
  const kept: JsonObject = {};
  for (const path of paths) copy(data, kept, path.split('.'));
  return kept;
}

function copy(from: JsonObject, to: JsonObject, [name, ...rest]: readonly string[]): void {
  const value = name === undefined ? undefined : from[name];
  if (name === undefined || value === undefined) return;
  if (rest.length === 0) {
    to[name] = value;
    return;
  }
  if (!isObject(value)) return;
  const inner = to[name];
  const own: JsonObject = isObject(inner) ? inner : {};
  copy(value, own, rest);
  if (Object.keys(own).length > 0) to[name] = own;
}
