import { CODE_LOGIN } from '../access/index.ts';
import type { Config } from '../config/config.ts';
import { type BreakGlass, createBreakGlass } from '../operations/break-glass/desk.ts';
import type { BreakGlassParts } from '../operations/break-glass/parts.ts';
import type { Logger } from '../operations/logger.ts';
import type { Rates } from '../operations/redis-rates.ts';
import type { BreakGlassNotice } from '../twin/break-glass.ts';
import type { Report } from './running.ts';

type Wired = Omit<BreakGlassParts, 'acrValues' | 'rateOf' | 'onTrouble' | 'tell'> & {
  readonly logger: Pick<Logger, 'warn'>;
  readonly rates: Pick<Rates, 'of'>;
  readonly report: Report;
};

/** Which login breaks the glass: a code, not the pick of a name; of a company's issuer as it says. */
export function breakGlassOf(
  { oauth, breakGlassAcr }: Config,
  { rates, report, logger, ...wired }: Wired,
): BreakGlass {
  const acrValues = breakGlassAcr ?? (oauth === undefined ? [CODE_LOGIN] : []);
  const tell = async ({ step, of: { id, member, reason } }: BreakGlassNotice): Promise<void> =>
    logger.warn({ case: id, member, reason }, `break-glass ${step}`);
  return createBreakGlass({ ...wired, acrValues, rateOf: rates.of, tell, onTrouble: report });
}
