import type { ChannelLog } from '../ports.ts';
import { type CallStates, lastOfCall } from './states.ts';

/**
 * A channel log that keeps what was said last of each call: whichever way an event comes in, it
 * comes by here. Noted first, so that whoever is told of an event and asks is not told less. A note
 * that fails keeps nobody from being told.
 */
export function notingCalls(
  log: ChannelLog,
  calls: CallStates,
  report: (error: unknown) => void,
): ChannelLog {
  return {
    name: log.name,
    get degraded() {
      return log.degraded;
    },
    start: () => log.start(),
    stop: () => log.stop(),
    async append(stream, event, dedup) {
      const last = lastOfCall(event);
      if (last !== undefined) await calls.note(last).catch(report);
      return await log.append(stream, event, dedup);
    },
    read: (stream, since) => log.read(stream, since),
    tops: (streams) => log.tops(streams),
    renew: (...given) => log.renew(...given),
    onEntry: (listener) => log.onEntry(listener),
  };
}
