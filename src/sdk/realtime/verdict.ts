import { WS_CLOSE } from '../../contract/frames.ts';
import { TwinError } from '../twin-error.ts';

export interface Verdict {
  readonly error: TwinError;
  /** `token`: only another one helps. `never`: nothing does. */
  readonly again: 'yes' | 'token' | 'never';
}

/** What the end of a connection means for the next one, by its close code (docs/gateway.md). */
export function verdictOf(code: number): Verdict {
  switch (code) {
    case WS_CLOSE.unauthorized:
      return { error: new TwinError('UNAUTHENTICATED'), again: 'token' };
    case WS_CLOSE.malformed:
      return { error: new TwinError('INVALID_REQUEST'), again: 'never' };
    case 4403:
      return { error: new TwinError('INSUFFICIENT_SCOPE'), again: 'never' };
    case 4404:
      return { error: new TwinError('NOT_FOUND'), again: 'never' };
    case WS_CLOSE.tooMany:
      return { error: new TwinError('RATE_LIMITED'), again: 'yes' };
    default:
      return { error: new TwinError('UNREACHABLE'), again: 'yes' };
  }
}
