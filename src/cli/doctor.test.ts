import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { StartFault } from '../contract/start-faults.ts';
import { run } from './rig/run.ts';

const ISSUER = 'https://login.example.org/realms/acme';

let dataDir: string;
let server: Server;
let port: number;
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'twin-doctor-'));
  server = createServer((_req, res) => res.end(JSON.stringify({ version: '9.9.9' })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
after(async () => {
  server.close();
  await rm(dataDir, { recursive: true });
});

const doctor = async (env: Record<string, string>, ...faults: StartFault[]) =>
  await run(dataDir, ['doctor'], { env, startFaults: () => Promise.resolve(faults) });

const PRODUCTION = {
  NODE_ENV: 'production',
  EMBEDDED: 'log,spicedb',
  PUBLIC_URL: 'https://twin.example.org',
  OAUTH_ISSUER: ISSUER,
};

test('B-OA-11: an issuer that is well, how its tokens are taken, and for whom they must be', async () => {
  const { out } = await doctor({
    OAUTH_ISSUER: ISSUER,
    OAUTH_PROFILE: 'okta',
    OAUTH_AUDIENCE: 'twin',
  });
  assert.match(out, new RegExp(`^ok +issuer +${ISSUER}, tokens as okta$`, 'm'));
  assert.match(out, /^ok +audience +tokens must be for twin alone$/m);
  assert.match(out, /^ok +zod +4\./m);
  assert.match(out, /^ok +@modelcontextprotocol\/server +2\./m);
});

test('B-OA-11: an audience that would change with the port is named', async () => {
  const { out } = await doctor({ OAUTH_ISSUER: ISSUER });
  assert.match(out, /^NO +audience +depends on the port: set PUBLIC_URL/m);
  const fixed = await doctor({ OAUTH_ISSUER: ISSUER, PORT: '3333' });
  assert.match(fixed.out, /^ok +audience +tokens must be for http:\/\/localhost:3333\/mcp alone$/m);
});

test('B-OA-11: what is wrong with the issuer is said with what mends it', async () => {
  const wrong = { part: 'OAUTH_ISSUER', what: 'has metadata of another issuer', mend: 'mend it' };
  const { out, exit } = await doctor({ OAUTH_ISSUER: ISSUER }, wrong);
  assert.notEqual(exit, 0);
  assert.match(out, /^NO +OAUTH_ISSUER +has metadata of another issuer: mend it$/m);
  assert.doesNotMatch(out, /^ok +issuer/m);
});

test('B-OA-11: in production the server is asked where it listens', async () => {
  const well = await doctor({ ...PRODUCTION, PORT: String(port) });
  assert.equal(well.exit, 0, well.out);
  assert.match(well.out, /^ok +server +http:\/\/127\.0\.0\.1:\d+, version 9\.9\.9$/m);
  assert.match(well.out, /^ok +ready/m);
  const none = await doctor({ ...PRODUCTION, PORT: '1' });
  assert.equal(none.exit, 4, none.out);
  assert.match(none.out, /^NO +server/m);
});
