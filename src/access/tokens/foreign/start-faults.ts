import type { StartFault } from '../../../contract/start-faults.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { discover } from './discovery.ts';
import { askIssuer, IssuerAway, IssuerWrong } from './fetch-json.ts';
import { publishedKeys } from './published-keys.ts';

/** Faults of a clock that was looked at between `before` and `after` of ours, milliseconds. */
export type ClockFaults = (
  other: string,
  theirs: number,
  before: number,
  after: number,
) => readonly StartFault[];

const part = 'OAUTH_ISSUER';

/**
 * Whether the issuer can be asked, is the one that is named, and publishes keys; how its clock goes.
 * That it is away only troubles: the server starts, and takes no token until the issuer is back.
 */
export async function issuerFaults(
  issuer: string,
  clock: Pick<Clock, 'now'>,
  clockFaults: ClockFaults,
): Promise<readonly StartFault[]> {
  try {
    const before = clock.now();
    const { jwksUri, saysPkce, dateMs } = await discover(issuer, askIssuer);
    // The header has whole seconds: what is within that one is no skew.
    const skew = clockFaults('OAUTH_ISSUER', dateMs, before - 1_000, clock.now());
    const { json, status } = await askIssuer(jwksUri);
    if (status !== 200) throw new IssuerWrong(`answers ${status} for its keys`, 'see its log');
    await publishedKeys(json);
    return saysPkce ? skew : [...skew, noPkce()];
  } catch (error) {
    return [faultOf(error)];
  }
}

function noPkce(): StartFault {
  const what = 'does not say that it takes PKCE with S256, so MCP clients refuse it';
  const mend = 'its metadata should have S256 in code_challenge_methods_supported';
  return { part, what, mend, warning: true };
}

function faultOf(error: unknown): StartFault {
  if (error instanceof IssuerWrong) return { part, what: error.message, mend: error.mend };
  if (error instanceof IssuerAway) {
    const mend =
      'see that it can be reached from here; until then every token is answered with 503';
    return { part, what: error.message, mend, warning: true };
  }
  throw error;
}
