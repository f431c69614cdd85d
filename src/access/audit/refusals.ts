import { Fault } from '../../kernel/errors.ts';
import type { Principal } from '../../twin/ports.ts';
import { TokenRefused } from '../tokens/refusal.ts';

type Authenticate = (rawHeaders: readonly string[]) => Promise<Principal>;

/** Tells of each token that was refused by which rule; a request without a token is no failure. */
export function tellingRefusals(
  authenticate: Authenticate,
  failed: (rule: string) => void,
): Authenticate {
  return async (rawHeaders) => {
    try {
      return await authenticate(rawHeaders);
    } catch (error) {
      const cause = error instanceof Fault ? error.cause : undefined;
      if (cause instanceof TokenRefused) failed(cause.rule);
      throw error;
    }
  };
}
