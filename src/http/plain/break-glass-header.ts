import { BREAK_GLASS_HEADER, type BreakGlassBanner } from '../../contract/break-glass.ts';

/**
 * `Break-Glass: "demo-ana";reason=BTG;until="2026-11-30T12:00:00Z";id="…"` (a list of strings with
 * parameters, RFC 9651): whose records are open by break-glass, as `_meta` says it over MCP.
 */
export function breakGlassHeader(
  banners: readonly BreakGlassBanner[] = [],
): Record<string, string> {
  if (banners.length === 0) return {};
  const told = banners.map(({ member, reason, until, id }) =>
    [
      `"${member}"`,
      ...(reason === undefined ? [] : [`reason=${reason}`]),
      ...(until === undefined ? [] : [`until="${until}"`]),
      ...(id === undefined ? [] : [`id="${id}"`]),
    ].join(';'),
  );
  return { [BREAK_GLASS_HEADER]: told.join(', ') };
}
