import type { IncomingMessage } from 'node:http';
import type { Fault } from '../kernel/errors.ts';
import { valuesOf } from './guards.ts';
import type { HttpParts } from './parts.ts';

const ABOUT_THE_TOKEN: ReadonlySet<string> = new Set([
  'UNAUTHENTICATED',
  'INSUFFICIENT_SCOPE',
  'INSUFFICIENT_AUTHENTICATION',
]);

/** `WWW-Authenticate`, where the fault is about the token, its scopes, or how its person logged in. */
export function challengeOf(
  { authenticator }: Pick<HttpParts, 'authenticator'>,
  req: IncomingMessage,
  fault: Fault,
  scopes: readonly string[],
): Record<string, string> {
  if (!ABOUT_THE_TOKEN.has(fault.code)) return {};
  const tokenSent = valuesOf(req, 'authorization').length > 0;
  return { 'www-authenticate': authenticator.challenge(fault, tokenSent, scopes) };
}
