import type { Withheld } from '../../twin/reader/index.ts';

/**
 * `Withheld: clinical;shown=nothing;by=purpose, profile;shown=minimal;by=purpose` (a list of tokens
 * with parameters, RFC 9651): what scopes and purpose of use narrowed, as `_meta` says it over MCP.
 */
export function withheldHeader(withheld: readonly Withheld[] = []): Record<string, string> {
  if (withheld.length === 0) return {};
  const told = withheld.map(({ section, shown, by }) => `${section};shown=${shown};by=${by}`);
  return { withheld: told.join(', ') };
}
