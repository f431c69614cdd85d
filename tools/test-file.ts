/**
 * Loaded into the process of every test file: ends it when its tests have ended and something that
 * one of them left open, such as a client of a broker, would keep it. The runner's own `timeout`
 * does not end such a process, and `--test-force-exit` loses reports.
 */

import { after } from 'node:test';

/** Longer than the hooks that come after this one take to stop real parts. */
const LINGERS_AT_MOST_MS = 60_000;

after(() => {
  const end = (): void => {
    process.stderr.write(`${process.argv[1]} lingers after its last test and is ended\n`);
    process.exit(1);
  };
  setTimeout(end, LINGERS_AT_MOST_MS).unref();
});
