import { after, before } from 'node:test';
import { type SpicedbPart, spicedb } from '../../test/support/parts.ts';
import { systemClock } from '../kernel/clock.ts';
import { oracleSuite } from './oracle-suite.rig.ts';
import { connectEngine } from './spicedb/grpc.ts';
import { applySchema } from './spicedb/schema-check.ts';

let server: SpicedbPart;
before(async () => {
  server = await spicedb();
});
after(() => server.stop());

oracleSuite(
  'a real SpiceDB',
  async () => {
    const connection = { endpoint: server.address, token: server.token, tls: false };
    await applySchema(connection);
    return connectEngine(connection, systemClock);
  },
  { runs: 1_000 },
);
