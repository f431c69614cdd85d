import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { StartFault } from '../../../contract/start-faults.ts';
import { type IssuerServer, issuerKey, publish, startIssuer } from './issuer.rig.ts';
import { issuerFaults } from './start-faults.ts';

let server: IssuerServer;
const key = issuerKey('k1', 'ES256');
const clock = { now: () => Date.now() };

before(async () => {
  server = await startIssuer();
});
beforeEach(() => server.routes.clear());
after(() => server.close());

async function only(issuer = server.origin): Promise<StartFault> {
  const [fault, ...more] = await issuerFaults(issuer, clock, () => []);
  assert.deepEqual(more, []);
  assert.ok(fault);
  assert.equal(fault.part, 'OAUTH_ISSUER');
  return fault;
}

test('B-OA-11: an issuer with metadata and keys has no fault', async () => {
  publish(server, server.origin, [key]);
  assert.deepEqual(await issuerFaults(server.origin, clock, () => []), []);
});

test('B-OA-11: another issuer, no keys and no metadata keep the server from starting', async () => {
  assert.match((await only()).what, /has no metadata/);
  publish(server, `${server.origin}/`, [key]);
  assert.match((await only()).what, /another issuer/);
  publish(server, server.origin, []);
  const fault = await only();
  assert.match(fault.what, /no key that can be used/);
  assert.equal(fault.warning, undefined);
});

test('B-OA-11: one that is away, and one without PKCE, only trouble', async () => {
  publish(server, server.origin, [key]);
  const path = '/.well-known/oauth-authorization-server';
  server.json(path, { issuer: server.origin, jwks_uri: `${server.origin}/jwks` });
  const silent = await only();
  assert.deepEqual([silent.warning, /S256/.test(silent.what)], [true, true]);
  const gone = await startIssuer();
  await gone.close();
  const away = await only(gone.origin);
  assert.deepEqual([away.warning, away.what], [true, 'does not answer']);
});

test('B-OA-11: a clock of the issuer that differs is told', async () => {
  publish(server, server.origin, [key]);
  const told = { part: 'clock', what: 'differs', mend: 'NTP' };
  const seen: number[] = [];
  const faults = await issuerFaults(server.origin, clock, (other, theirs, before, now) => {
    assert.equal(other, 'OAUTH_ISSUER');
    seen.push(theirs - before, now - theirs);
    return [told];
  });
  assert.deepEqual(faults, [told]);
  assert.ok(
    seen.every((ms) => ms >= 0 && ms < 60_000),
    String(seen),
  );
});
