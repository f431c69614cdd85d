import type { Response } from 'express';
import type { Principal, ViewChange } from '../../twin/ports.ts';
import { endsAllOf } from '../../twin/principals.ts';
import type { PlainParts } from '../parts.ts';

export type PollParts = Pick<
  PlainParts,
  'bus' | 'reader' | 'clock' | 'report' | 'access' | 'stopping'
>;

/** `look`: there may be something. `over`: look a last time. `gone`: nobody waits any more. */
export type Tidings = 'look' | 'over' | 'gone';

export interface News {
  /** What came since the last call, or will come. */
  next(): Promise<Tidings>;
  /** Expired or revoked: nothing more is shown. */
  tokenEnded(): boolean;
  stop(): void;
}

/** Relations come in bursts; one look is enough for all that came within this time. */
const RELATIONS_GATHER_MS = 250;

/** What a long poll waits for: changes that its principal may know of, and ends of every kind. */
export function listenForNews(
  { bus, reader, clock, report, access, stopping }: PollParts,
  res: Response,
  principal: Principal,
  waitMs: number,
): News {
  const events = createEvents();
  const { tell } = events;
  let revoked = false;
  let unchecked: ViewChange[] = [];
  let checking = false;

  /** One check at a time, for whatever has come until then. */
  const check = async (): Promise<void> => {
    if (checking) return;
    checking = true;
    while (unchecked.length > 0) {
      const changes = unchecked;
      unchecked = [];
      const uris = changes.map(({ uri }) => uri);
      const variants = await reader.variants(principal, uris);
      if (changes.some(({ variant }, index) => variants[index] === variant)) tell('look');
    }
    checking = false;
  };
  let gathering: { cancel(): void } | undefined;
  const gathered = (): void => {
    gathering = undefined;
    tell('look');
  };
  const over = (): void => tell('over');
  const gone = (): void => tell('gone');
  const timer = clock.after(Math.min(waitMs, principal.expiresAtMs - clock.now()), over);
  const leaveBus = bus.subscribe((changes) => {
    unchecked.push(...changes);
    check().catch((error: unknown) => {
      // What it may know cannot be told for sure: the look itself is checked, and says why not.
      checking = false;
      report(error);
      tell('look');
    });
  });
  const leaveAccess = access.onChange((change) => {
    if (endsAllOf(change, principal)) {
      revoked = true;
      tell('over');
    } else if (change.kind === 'objects' || change.kind === 'everything') {
      gathering ??= clock.after(RELATIONS_GATHER_MS, gathered);
    }
  });
  if (stopping.aborted) over();
  stopping.addEventListener('abort', over);
  res.once('close', gone);
  return {
    next: events.next,
    tokenEnded: () => revoked || principal.expiresAtMs <= clock.now(),
    stop() {
      timer.cancel();
      gathering?.cancel();
      leaveBus();
      leaveAccess();
      stopping.removeEventListener('abort', over);
      res.off('close', gone);
    },
  };
}

const RANK: Readonly<Record<Tidings, number>> = { look: 0, over: 1, gone: 2 };

/** The most final of what was told is kept until somebody asks. */
function createEvents(): { next(): Promise<Tidings>; tell(tidings: Tidings): void } {
  let told: Tidings | undefined;
  let waiting: ((tidings: Tidings) => void) | undefined;
  return {
    tell(tidings) {
      if (told === undefined || RANK[tidings] > RANK[told]) told = tidings;
      if (waiting === undefined) return;
      waiting(told);
      waiting = undefined;
      told = undefined;
    },
    next() {
      const present = told;
      told = undefined;
      if (present !== undefined) return Promise.resolve(present);
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
  };
}
