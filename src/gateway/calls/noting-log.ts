import type { ChannelLog } from '../ports.ts';
import { withAppend } from '../streams/around.ts';
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
  return withAppend(log, async (stream, event, dedup) => {
    const last = lastOfCall(event);
    if (last !== undefined) await calls.note(last).catch(report);
    return await log.append(stream, event, dedup);
  });
}
