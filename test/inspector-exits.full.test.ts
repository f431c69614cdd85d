import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ERAS, inspectOverHttp, inspectOverStdio } from './support/inspector.ts';
import type { Ran } from './support/run.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * What Inspector's command line ends with where it is refused: 3 where it sees that authorization
 * is what is missing, 5 where a tool failed, 1 for the rest.
 */
let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

function ends({ code, stdout, stderr }: Ran, expected: number, says = /./): void {
  assert.equal(code, expected, stdout + stderr);
  assert.match(stdout + stderr, says);
}

for (const era of ERAS) {
  test(`Inspector ends with 3 for a bad token over HTTP in the ${era} era`, async () => {
    const bad = inspectOverHttp(server, era, 'no.such.token');
    ends(await bad('list'), 3, /auth_required/);
  });

  test(`Inspector names the scope that a token lacks over HTTP in the ${era} era`, async () => {
    const holding = async (scope: string) =>
      inspectOverHttp(server, era, await server.token('ana', { scope }));
    const none = await holding('twin:subscribe');
    ends(await none('read'), 1, /Insufficient scope: required \\"twin:read:coverage\\"/);
    const other = await holding('twin:read:clinical');
    ends(await other('read'), 1, /Insufficient scope: required \\"twin:read:coverage\\"/);
    ends(await other('readDocument'), 1, /Insufficient scope: required \\"twin:read:coverage\\"/);
    ends(await other('search'), 1, /required \\"twin:read:clinical twin:search\\"/);
  });

  test(`Inspector ends with 1 for a bad or a narrow token over stdio in the ${era} era`, async () => {
    const bad = inspectOverStdio(server, era, '--token', 'no.such.token');
    // Told to speak 2026-07-28 alone, Inspector does not show why the server would not.
    const why = era === 'modern' ? /negotiation failed/ : /A valid access token/;
    ends(await bad('read'), 1, why);
    const token = await server.token('ana', { scope: 'twin:subscribe' });
    const narrow = inspectOverStdio(server, era, '--token', token);
    ends(await narrow('read'), 1, /lacks a scope that this operation needs/);
  });

  test(`Inspector ends with 5 where a tool fails over HTTP in the ${era} era`, async () => {
    ends(await inspectOverHttp(server, era, await server.token('ben'))('readDocument'), 5);
  });

  test(`Inspector ends with 5 where a tool fails over stdio in the ${era} era`, async () => {
    const refused = inspectOverStdio(server, era, '--as', 'ben');
    ends(await refused('readDocument'), 5, /NOT_FOUND/);
  });
}

test('Inspector that is an OAuth client ends with 3 for a narrow token', async () => {
  const token = await server.token('ana', { scope: 'twin:subscribe' });
  const narrow = inspectOverHttp(server, 'modern', token);
  ends(await narrow('read', '--client-id', 'inspector'), 3, /auth_required/);
});
