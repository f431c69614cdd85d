import type { StreamPlace } from '../../../contract/frames.ts';
import type { ChannelLog } from '../../ports.ts';
import { type NamedEvent, namedOnApp } from './events.ts';
import { PUSHER_LIMITS } from './limits.ts';

export interface Cached {
  /** Where the channel goes on after it. */
  readonly from: StreamPlace;
  /** Absent: there is none, or it is too old. */
  readonly event?: NamedEvent;
  /** Until when it counts, milliseconds since the epoch. */
  readonly untilMs: number;
}

/** The last event of a cache channel. */
export async function cachedOf(
  log: Pick<ChannelLog, 'read'>,
  stream: string,
  nowMs: number,
): Promise<Cached> {
  const { epoch, offset, top } = await log.read(stream);
  const none = { from: { epoch, offset }, untilMs: 0 };
  if (top === 0) return none;
  const last = await log.read(stream, { epoch, offset: top - 1 });
  const entry = last.recovered ? last.entries.at(-1) : undefined;
  if (entry === undefined) return none;
  const untilMs = Date.parse(entry.event.time) + PUSHER_LIMITS.cacheTtlMs;
  const found = { from: { epoch, offset: Math.max(offset, entry.offset) }, untilMs };
  return nowMs <= untilMs ? { ...found, event: namedOnApp(entry.event) } : found;
}
