/**
 * The attacks of security.md §6 that come by MCP and its HTTP, as data. Each number has a test over
 * HTTP that names it, and where the attack can be a line on stdin, one whose name says "over stdio".
 */
export interface Attack {
  readonly n: number;
  readonly says: string;
  readonly stdio: boolean;
}

const http = (n: number, says: string): Attack => ({ n, says, stdio: false });
const both = (n: number, says: string): Attack => ({ n, says, stdio: true });

export const ATTACKS: readonly Attack[] = [
  both(40, 'asking for members that are forbidden, of others, or of nobody'),
  both(41, 'the same by listen, completion, search, cursor and subscription'),

  both(43, 'a step up in a URI'),
  both(44, 'a step up or in place, escaped'),
  both(45, 'escaped slashes'),
  both(46, 'escaped letters'),
  both(47, 'an empty step'),
  both(48, 'another case'),
  both(49, 'a user or a port in the authority'),
  both(50, 'a query, a fragment, a slash at the end'),
  both(51, 'white space and control characters around'),
  both(52, 'an escaped NUL'),
  both(53, 'letters that look alike, and invisible ones'),
  both(54, 'parameters, lists, templates, wildcards, names of our language'),
  both(55, 'a very long id'),
  both(56, 'backslashes'),
  both(57, 'no authority'),
  both(58, 'other schemes'),
  both(59, 'a dot behind the host'),
  both(60, 'escapes that are escaped'),

  http(61, 'Mcp-Name that is not the body’s'),
  http(62, 'Mcp-Method that is not the body’s'),
  http(63, 'versions of header and body that differ'),
  http(64, 'one era taken for the other'),
  both(65, 'batches'),
  both(66, 'ids that are null, an object, or under way'),
  both(67, 'deep nesting'),
  both(68, 'names that pollute prototypes'),
  both(69, 'elements without end'),
  both(70, 'bodies past the bound'),
  http(71, 'compressed bodies'),
  http(72, 'headers and bodies that drip'),
  http(73, 'other content types'),
  both(74, 'text that is no UTF-8, or half of a character'),
  both(75, 'methods that the version does not know'),

  http(76, 'another Host'),
  http(77, 'another Origin'),
  http(78, 'CORS'),
  http(79, 'a WebSocket from elsewhere'),
  http(80, 'the session of another principal'),
  http(81, 'a session id of the client’s choice'),
  http(82, 'event ids that were guessed, or are another session’s'),
  http(83, 'request state that was changed, or is another’s'),
  both(84, 'cursors that were forged, or are another’s'),
  http(85, 'an idempotency key with another body'),
  http(86, 'a thousand streams'),
  both(87, 'a listen for 60,000 URIs'),
  http(88, 'streams that open and close at once'),
  both(89, 'a subscription before the permission'),
  both(90, 'cancellations and progress of nobody’s requests'),

  both(101, 'trace context and baggage'),
  both(114, 'lines and escapes for the log'),
  http(115, 'health information in every field'),
  both(116, 'databases that fail'),
  http(117, 'quotes for the challenge'),
  http(118, 'metrics, dumps and the debugger'),
];
