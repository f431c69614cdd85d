import { CODE_LOGIN } from '../access/index.ts';
import type { Config } from '../config/config.ts';
import { type BreakGlass, createBreakGlass } from '../operations/break-glass/desk.ts';
import type { BreakGlassParts } from '../operations/break-glass/parts.ts';
import type { Rates } from '../operations/redis-rates.ts';
import type { Report } from './running.ts';

type Wired = Omit<BreakGlassParts, 'acrValues' | 'rateOf' | 'onTrouble'> & {
  readonly rates: Pick<Rates, 'of'>;
  readonly report: Report;
};

/** Which login breaks the glass: a code, not the pick of a name; of a company's issuer as it says. */
export function breakGlassOf(
  { oauth, breakGlassAcr }: Config,
  { rates, report, ...wired }: Wired,
): BreakGlass {
  const acrValues = breakGlassAcr ?? (oauth === undefined ? [CODE_LOGIN] : []);
  return createBreakGlass({ ...wired, acrValues, rateOf: rates.of, onTrouble: report });
}
