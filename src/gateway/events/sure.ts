import { sleep } from '../../kernel/clock.ts';
import type { ChannelLog } from '../ports.ts';
import type { Routed } from './mapped.ts';

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;

/** Resolves once the channel log has the event in each of its streams; tries until then. */
export async function appendSurely(
  log: Pick<ChannelLog, 'append'>,
  { streams, event }: Routed,
  dedup: readonly string[],
  parts: { readonly aborted: () => boolean; readonly report: (error: unknown) => void },
): Promise<void> {
  for (const stream of streams) {
    for (let waitMs = RETRY_MIN_MS; ; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      try {
        await log.append(stream, event, dedup);
        break;
      } catch (error) {
        if (parts.aborted()) throw error;
        if (waitMs === RETRY_MIN_MS) parts.report(error);
        await sleep(waitMs);
      }
    }
  }
}
