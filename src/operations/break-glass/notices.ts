import type { Timer } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { type BreakGlassNotice, casesIn, isOpen, type Kept } from '../../twin/break-glass.ts';
import type { BreakGlassParts } from './parts.ts';

/** Tells others what happens to cases: at once, and again until it is taken. */
export interface Notices extends Service {
  opened(of: Kept): void;
  ended(of: Kept): void;
  reviewed(of: Kept): void;
}

/** Told again at a start: whoever hears it twice knows it by its id. */
const AGAIN_MS = 24 * 3_600_000;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 60_000;

type Parts = Pick<BreakGlassParts, 'view' | 'clock' | 'tell' | 'onTrouble'>;

/**
 * A notice is told by the instance where it happened, and by each at its start for the last day:
 * at least once, under an id that is made of case and step. What its own time ends is told at that
 * instant; the right itself ends by the relation, whether or not anybody is told.
 */
export function createNotices({ view, clock, tell, onTrouble }: Parts): Notices {
  const timers = new Map<string, Timer>();
  let stopped = false;

  const send = (notice: BreakGlassNotice, retryMs = RETRY_FIRST_MS): void => {
    if (tell === undefined || stopped) return;
    const key = `${notice.of.id} ${notice.step}`;
    timers.delete(key);
    tell(notice).catch((error: unknown) => {
      onTrouble(error);
      if (stopped) return;
      const again = () => send(notice, Math.min(retryMs * 2, RETRY_MAX_MS));
      timers.set(key, clock.after(retryMs, again));
    });
  };
  const awaitEnd = (of: Kept): void => {
    const leftMs = Date.parse(of.until) - clock.now();
    const key = `${of.id} ends`;
    if (leftMs > 0)
      timers.set(
        key,
        clock.after(leftMs, () => awaitEnd(of)),
      );
    else {
      timers.delete(key);
      send({ step: 'ended', of, at: of.until });
    }
  };
  const forget = ({ id }: Kept): void => {
    timers.get(`${id} ends`)?.cancel();
    timers.delete(`${id} ends`);
  };
  const opened = (of: Kept): void => {
    send({ step: 'opened', of, at: of.opened, by: of.person });
    if (tell !== undefined) awaitEnd(of);
  };
  const ended = (of: Kept): void => {
    forget(of);
    send({ step: 'ended', of, at: of.ended ?? of.until, ...(of.endedBy && { by: of.endedBy }) });
  };
  const reviewed = (of: Kept): void => {
    const { at = of.until, by = '' } = of.review ?? {};
    send({ step: 'reviewed', of, at, by });
  };
  return {
    name: 'break-glass',
    ...{ opened, ended, reviewed },
    async start() {
      if (tell === undefined) return;
      const now = clock.now();
      for (const of of casesIn(view)) {
        if (isOpen(of, now)) opened(of);
        else if (now - Date.parse(of.ended ?? of.until) < AGAIN_MS) {
          send({ step: 'opened', of, at: of.opened, by: of.person });
          ended(of);
        }
        if (of.review && now - Date.parse(of.review.at) < AGAIN_MS) reviewed(of);
      }
    },
    async stop() {
      stopped = true;
      for (const timer of timers.values()) timer.cancel();
    },
  };
}
