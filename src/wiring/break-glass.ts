import { CODE_LOGIN } from '../access/index.ts';
import type { Config } from '../config/config.ts';
import { type BreakGlass, createBreakGlass } from '../operations/break-glass/desk.ts';
import type { BreakGlassParts } from '../operations/break-glass/parts.ts';
import type { Logger } from '../operations/logger.ts';
import type { Rates } from '../operations/redis-rates.ts';
import type { BreakGlassNotice } from '../twin/break-glass.ts';
import type { NotificationRequest, Notifications } from '../twin/ports.ts';
import type { Report } from './running.ts';

type Wired = Omit<BreakGlassParts, 'acrValues' | 'rateOf' | 'onTrouble' | 'tell'> & {
  readonly logger: Pick<Logger, 'warn'>;
  readonly notifications?: Notifications | undefined;
  readonly rates: Pick<Rates, 'of'>;
  readonly report: Report;
};

/** Which login breaks the glass: a code, not the pick of a name; of a company's issuer as it says. */
export function breakGlassOf(
  { oauth, breakGlassAcr }: Config,
  { rates, report, logger, notifications, ...wired }: Wired,
): BreakGlass {
  const acrValues = breakGlassAcr ?? (oauth === undefined ? [CODE_LOGIN] : []);
  const tell = async (notice: BreakGlassNotice): Promise<void> => {
    const { id, member, reason } = notice.of;
    logger.warn({ case: id, member, reason }, `break-glass ${notice.step}`);
    await notifications?.request(requestsOf(notice));
  };
  return createBreakGlass({ ...wired, acrValues, rateOf: rates.of, tell, onTrouble: report });
}

/** What nobody has reacted to by then stands in the access log and in the review's queue. */
const EXPIRES_MS = 7 * 86_400_000;

/** The member and the privacy officers of the tenant hear of each step. */
function requestsOf({ step, of, at, by = 'system' }: BreakGlassNotice): NotificationRequest[] {
  const { id, member, tenant } = of;
  const expiresAt = new Date(Date.parse(at) + EXPIRES_MS).toISOString();
  const recipients = [`member:${member}#self`, `organization:${tenant}#privacy_officer`];
  return recipients.map((recipient, index) => ({
    ...{ id: `${id}-${step}-${index}`, tenant, member, recipient, at, expiresAt, actor: by },
    template: `break-glass.${step}`,
    document: `mcp://twins/member/${member}/access-log`,
    urgency: step === 'reviewed' ? 'normal' : 'high',
  }));
}
