import type { ChannelLog } from '../ports.ts';

/** The same log, but for how something comes into it. */
export function withAppend(log: ChannelLog, append: ChannelLog['append']): ChannelLog {
  return {
    name: log.name,
    get degraded() {
      return log.degraded;
    },
    start: () => log.start(),
    stop: () => log.stop(),
    append,
    read: (stream, since) => log.read(stream, since),
    tops: (streams) => log.tops(streams),
    renew: (stream) => log.renew(stream),
    onEntry: (listener) => log.onEntry(listener),
  };
}
