import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { refused, TokenRefused } from './refusal.ts';

/**
 * The bearer token of a request, by RFC 6750 §2.1: one `Authorization` header, `Bearer`, one space,
 * one token and nothing after. Counted in `rawHeaders`, since node's `headers` keeps the first of
 * two and thereby hides the second (security.md §6, 27). Never from the query or the body.
 * @throws Fault INVALID_REQUEST where the header is malformed, UNAUTHENTICATED where it is absent
 *   (without a cause: no token was refused), of another scheme, or too long.
 */
export function bearerToken(rawHeaders: readonly string[]): string {
  const sent = rawHeaders.filter(
    (_, index, all) => index % 2 === 1 && all[index - 1]?.toLowerCase() === 'authorization',
  );
  if (sent.length > 1) throw malformed('one Authorization header');
  const [value] = sent;
  if (value === undefined) throw new Fault('UNAUTHENTICATED');
  if (!value.startsWith('Bearer ') || value.trim() === 'Bearer') throw refused('scheme Bearer');
  const token = value.slice('Bearer '.length);
  // RFC 6750 §2.1 b64token.
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) throw malformed('Bearer, one space, one token');
  if (token.length > LIMITS.tokenCharsMax) throw refused('token length');
  return token;
}

function malformed(rule: string): Fault {
  return new Fault('INVALID_REQUEST', {
    detail: 'Send exactly one Authorization header: Bearer, one space, the token.',
    cause: new TokenRefused(rule),
  });
}
