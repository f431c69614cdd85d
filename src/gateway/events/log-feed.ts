import type { Message } from '@bufbuild/protobuf';
import type { ChannelLog } from '../ports.ts';
import { routed } from './mapped.ts';
import { appendSurely } from './sure.ts';

/** One event of the log of events, as a consumer of it hands it over. */
export interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly value: Message;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Another member of the group has the partition now, or this one stops. */
  readonly signal: AbortSignal;
}

/**
 * From the topics to the channel log. It resolves once the event is there, and only then may the
 * offset be committed: whoever takes over sends it again, and it is known by its origin and its id.
 */
export function logFeed(
  log: Pick<ChannelLog, 'append'>,
  report: (error: unknown) => void,
): (event: LoggedEvent) => Promise<void> {
  return async ({ id, type, value, topic, partition, offset, signal }) => {
    const found = routed(type, value);
    if (found === undefined) return;
    const dedup = [`${topic}/${partition}/${offset}`, id];
    await appendSurely(log, found, dedup, { aborted: () => signal.aborted, report });
  };
}
