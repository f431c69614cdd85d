import type { IncomingMessage } from 'node:http';
import type { Fault } from '../kernel/errors.ts';
import { valuesOf } from './guards.ts';
import type { HttpParts } from './parts.ts';

/** `WWW-Authenticate`, where the fault is about the token or its scopes. */
export function challengeOf(
  { authenticator }: Pick<HttpParts, 'authenticator'>,
  req: IncomingMessage,
  fault: Fault,
): Record<string, string> {
  if (fault.code !== 'UNAUTHENTICATED' && fault.code !== 'INSUFFICIENT_SCOPE') return {};
  const tokenSent = valuesOf(req, 'authorization').length > 0;
  return { 'www-authenticate': authenticator.challenge(fault, tokenSent) };
}
