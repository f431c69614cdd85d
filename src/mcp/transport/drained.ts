import type { ServerResponse } from 'node:http';

/** A reader that takes nothing for this long is cut off, so that it holds no memory. */
const STALLED_MAX_MS = 60_000;

/** Resolves once the socket has taken what was written to it, or is gone. */
export function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const stalled = setTimeout(() => res.destroy(), STALLED_MAX_MS).unref();
    const done = (): void => {
      clearTimeout(stalled);
      res.off('drain', done);
      res.off('close', done);
      resolve();
    };
    res.once('drain', done);
    res.once('close', done);
  });
}
