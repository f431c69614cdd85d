import { logSuite, SMALL } from './log-suite.rig.ts';
import { MemoryLog } from './memory-log.ts';

logSuite('of one process', async () => {
  let now = 1_767_000_000_000;
  const tick = (): number => {
    now += 0.01;
    return now;
  };
  const clock = { now: tick, monotonic: tick, after: () => ({ cancel: () => undefined }) };
  return {
    log: new MemoryLog({ clock, bounds: SMALL }),
    async later() {
      now += SMALL.dataMs + 1;
    },
    heard: async () => undefined,
  };
});
