/**
 * security.md §6, 43–60: other spellings of a document that the caller may read, each of which some
 * parser takes for it; by the number of the list. All are refused for their spelling alone.
 */
export function spellingsOf(own: string, other: string): readonly (readonly [number, string])[] {
  const uri = `mcp://twins/member/${own}/coverage`;
  const section = (id: string): string => `mcp://twins/member/${id}/coverage`;
  return [
    [43, section(`x/../${own}`)],
    [44, section(`x/%2e%2e/${own}`)],
    [44, section(`x/./../${own}`)],
    [45, section(`x%2F..%2F${own}`)],
    [46, section(`%${own.charCodeAt(0).toString(16)}${own.slice(1)}`)],
    [47, section(`/${own}`)],
    [47, `mcp://twins//member/${own}/coverage`],
    [48, `MCP://twins/member/${own}/coverage`],
    [48, `mcp://TWINS/member/${own}/coverage`],
    [49, `mcp://evil@twins/member/${own}/coverage`],
    [49, `mcp://twins:80/member/${own}/coverage`],
    [50, `${uri}?x=1`],
    [50, `${uri}#f`],
    [50, `${uri}/`],
    [51, `\t${uri}`],
    [51, `${uri}\n`],
    [51, `${uri}\r`],
    [51, ` ${uri}`],
    [51, `${uri} `],
    [51, `${uri}\u0000`],
    [52, section(`${own}%00`)],
    [53, section(`ｄ${own.slice(1)}`)],
    [53, section('٤٣')],
    [53, `mcp://twіns/member/${own}/coverage`],
    [53, section(own.replace('-', '\u200b-'))],
    [53, section('e\u0301')],
    [54, section(`${own};v=1`)],
    [54, section(`${own},${other}`)],
    [54, section('{memberId}')],
    [54, section('*')],
    [54, section('__proto__')],
    [55, section('4'.repeat(9_000))],
    [56, `mcp:\\\\twins\\member\\${own}\\coverage`],
    [57, `mcp:twins/member/${own}/coverage`],
    [57, `mcp:///member/${own}/coverage`],
    [58, 'file:///etc/passwd'],
    [58, 'http://169.254.169.254/latest'],
    [58, 'data:text/plain,x'],
    [59, `mcp://twins./member/${own}/coverage`],
    [60, section(`%252e%252e/${own}`)],
  ];
}
