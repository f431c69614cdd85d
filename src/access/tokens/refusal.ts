import { Fault } from '../../kernel/errors.ts';

/** Why a token was refused: for the log, never for the client. Holds no part of the token. */
export class TokenRefused extends Error {
  readonly rule: string;

  constructor(rule: string) {
    super(`token refused by the rule: ${rule}`);
    this.name = 'TokenRefused';
    this.rule = rule;
  }
}

/** The client learns that the token will not do, and nothing of why. */
export function refused(rule: string): Fault {
  return new Fault('UNAUTHENTICATED', { cause: new TokenRefused(rule) });
}
