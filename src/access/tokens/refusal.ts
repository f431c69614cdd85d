import { Fault } from '../../kernel/errors.ts';

/** Why a token was refused: for the log, never for the client. Holds no part of the token. */
export class TokenRefused extends Error {
  readonly rule: string;

  /** @param mend the setting that would change it, or what to set at the issuer */
  constructor(rule: string, mend?: string) {
    super(`token refused by the rule: ${rule}${mend === undefined ? '' : `; ${mend}`}`);
    this.name = 'TokenRefused';
    this.rule = rule;
  }
}

/** The client learns that the token will not do, and nothing of why. */
export function refused(rule: string, mend?: string): Fault {
  return new Fault('UNAUTHENTICATED', { cause: new TokenRefused(rule, mend) });
}
