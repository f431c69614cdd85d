import { after, before } from 'node:test';
import { type SpicedbPart, spicedb } from '../../test/support/parts.ts';
import { sleep, systemClock } from '../kernel/clock.ts';
import { oracleSuite } from './oracle-suite.rig.ts';
import type { Engine } from './spicedb/engine.ts';
import { connectEngine, isUnanswered } from './spicedb/grpc.ts';
import { applySchema } from './spicedb/schema-check.ts';

let server: SpicedbPart;
before(async () => {
  server = await spicedb();
});
after(() => server.stop());

const TRIES = 20;
const PAUSE_MS = 500;

/**
 * What was not answered is asked again: on a busy machine a connection is starved past its keep-alive
 * (14 UNAVAILABLE: Connection dropped), which says nothing of what the schema means. Every answer is
 * judged; a write is the same however often it is made.
 */
function asking(engine: Engine): Engine {
  const again = async <T>(call: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await call();
      } catch (error) {
        if (!isAway(error) || tries === TRIES) throw error;
        await sleep(PAUSE_MS);
      }
    }
  };
  return {
    check: (items, consistency) => again(() => engine.check(items, consistency)),
    write: (changes, preconditions) => again(() => engine.write(changes, preconditions)),
    lookupResources: (query, consistency) =>
      again(() => engine.lookupResources(query, consistency)),
    read: (filter) => again(() => engine.read(filter)),
    watch: (listener, from) => engine.watch(listener, from),
    close: () => engine.close(),
  };
}

/** Not answered, or not asked since so many were not. */
function isAway(error: unknown): boolean {
  return isUnanswered(error) || /has not answered of late/.test(String(error));
}

oracleSuite(
  'a real SpiceDB',
  async () => {
    const connection = { endpoint: server.address, token: server.token, tls: false };
    await applySchema(connection);
    return asking(connectEngine(connection, systemClock));
  },
  { runs: 1_000 },
);
