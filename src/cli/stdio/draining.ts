import { finished, PassThrough, type Readable } from 'node:stream';

/**
 * What is still being answered when stdin ends has this long, which is enough for a server to
 * start; then the bridge ends anyway. Whoever cannot wait sends SIGTERM, which ends it at once.
 */
const DRAIN_MAX_MS = 10_000;

/**
 * stdin whose end is told only when nothing is being answered any more: the SDK's transport drops
 * every request that is open at the end, so that `echo … | digital-twin stdio` would say nothing.
 */
export function drainingStdin(stdin: Readable, idle: () => Promise<void>): Readable {
  const passed = new PassThrough();
  stdin.pipe(passed, { end: false });
  finished(stdin, { writable: false }, () => {
    // A turn later, so that the last frame is under way.
    setImmediate(() => {
      const deadline = setTimeout(() => passed.end(), DRAIN_MAX_MS);
      void idle().then(() => {
        clearTimeout(deadline);
        passed.end();
      });
    });
  });
  return passed;
}
