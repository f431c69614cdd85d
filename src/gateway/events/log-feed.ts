import type { Clock } from '../../kernel/clock.ts';
import type { TakenEvent } from '../../twin/ports.ts';
import type { ChannelLog } from '../ports.ts';
import { LOG_BOUNDS } from '../streams/bounds.ts';
import { routed } from './mapped.ts';
import { appendSurely } from './sure.ts';

/**
 * From the topics to the channel log. It resolves once the event is there, and only then may the
 * offset be committed: whoever takes over sends it again, and it is known by its origin and its id.
 */
export function logFeed(
  log: Pick<ChannelLog, 'append'>,
  clock: Clock,
  report: (error: unknown) => void,
): (event: TakenEvent) => Promise<void> {
  return async ({ id, type, value, topic, partition, offset, timestamp, signal }) => {
    // A group that begins reads its topics from their start: nobody waits for what is that old.
    if (clock.now() - timestamp > LOG_BOUNDS.dataMs) return;
    const found = routed(type, value);
    if (found === undefined) return;
    const dedup = [`${topic}/${partition}/${offset}`, id];
    await appendSurely(log, found, dedup, { aborted: () => signal.aborted, report });
  };
}
