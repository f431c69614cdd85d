import type { Clock } from '../kernel/clock.ts';
import type { EventLog, Place } from '../twin/ports.ts';

/** What is known of the log's ends, to tell a place that is to come from one that never was. */
export interface KnownEnds {
  /**
   * Whether a place lies past its partition's end. The log is asked before it is said, and once
   * more a moment later: a place that another instance gave may be newer than all that is known
   * here, and Kafka tells of a commit before it shows it. `false` where the log is away.
   */
  isPast(place: Place): Promise<boolean>;
}

/** Between a commit's acknowledgement and its marker in each partition (KIP-98). */
const MARKERS_MS = 500;

export function createKnownEnds(log: Pick<EventLog, 'ends'>, clock: Clock): KnownEnds {
  let known: readonly number[] = [];
  let asking: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const isBehind = ({ partition, offset }: Place): boolean => offset >= (known[partition] ?? 0);

  /** One question at a time; whoever comes during it shares the one after it. */
  function ask(): Promise<void> {
    if (asking !== undefined) {
      next ??= asking.then(ask, ask);
      return next;
    }
    next = undefined;
    asking = log.ends().then((ends) => {
      known = ends;
    });
    return asking.finally(() => {
      asking = undefined;
    });
  }

  return {
    async isPast(place) {
      if (!isBehind(place)) return false;
      try {
        await ask();
        if (!isBehind(place)) return false;
        await new Promise<void>((resolve) => clock.after(MARKERS_MS, resolve));
        await ask();
      } catch {
        return false;
      }
      return isBehind(place);
    },
  };
}
