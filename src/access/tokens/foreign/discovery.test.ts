import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { discover, wellKnownOf } from './discovery.ts';
import { askIssuer, IssuerAway, IssuerWrong } from './fetch-json.ts';
import { type IssuerServer, startIssuer } from './issuer.rig.ts';

let server: IssuerServer;
before(async () => {
  server = await startIssuer();
});
beforeEach(() => {
  server.routes.clear();
  server.asked.length = 0;
});
after(() => server.close());

const metadata = (issuer: string, more: object = {}) => ({
  issuer,
  jwks_uri: `${server.origin}/jwks`,
  ...more,
});

test('B-OA-4: the three places of an issuer with a path, and the two of one without', () => {
  assert.deepEqual(wellKnownOf('https://a.example/realms/x'), [
    'https://a.example/.well-known/oauth-authorization-server/realms/x',
    'https://a.example/.well-known/openid-configuration/realms/x',
    'https://a.example/realms/x/.well-known/openid-configuration',
  ]);
  // Auth0 writes its issuer with a slash, which belongs to no place.
  assert.deepEqual(wellKnownOf('https://acme.eu.auth0.com/'), [
    'https://acme.eu.auth0.com/.well-known/oauth-authorization-server',
    'https://acme.eu.auth0.com/.well-known/openid-configuration',
  ]);
});

test('B-OA-4: each place is enough, and the earlier one wins', async () => {
  const issuer = `${server.origin}/realms/x`;
  for (const place of wellKnownOf(issuer).toReversed()) {
    server.json(new URL(place).pathname, metadata(issuer));
    const found = await discover(issuer, askIssuer);
    assert.equal(found.url, place);
    assert.equal(found.jwksUri, `${server.origin}/jwks`);
    assert.equal(found.saysPkce, false);
  }
});

test('B-OA-4: metadata of any other issuer is not taken', async () => {
  const issuer = `${server.origin}/x`;
  for (const other of [`${issuer}/`, server.origin, issuer.toUpperCase(), 'https://evil.example']) {
    server.json('/.well-known/oauth-authorization-server/x', metadata(other));
    await assert.rejects(discover(issuer, askIssuer), (error: unknown) => {
      assert.ok(error instanceof IssuerWrong);
      assert.match(error.message, /metadata of another issuer/);
      assert.match(error.mend, /OAUTH_ISSUER/);
      return true;
    });
  }
  // Whoever answers elsewhere for another is no obstacle where ours is.
  server.json('/x/.well-known/openid-configuration', metadata(issuer));
  assert.equal(
    (await discover(issuer, askIssuer)).url,
    `${issuer}/.well-known/openid-configuration`,
  );
});

test('B-OA-4: a redirect is followed by nobody', async () => {
  let hits = 0;
  server.routes.set('/elsewhere', (_req, res) => {
    hits += 1;
    res.end(JSON.stringify(metadata(server.origin)));
  });
  server.routes.set('/.well-known/openid-configuration', (_req, res) => {
    res.writeHead(302, { location: '/elsewhere' }).end();
  });
  await assert.rejects(discover(server.origin, askIssuer), /redirects/);
  assert.equal(hits, 0);
});

test('B-OA-4: an answer past its bound is given up, and one that is no JSON refused', async () => {
  const path = '/.well-known/openid-configuration';
  let sent = 0;
  server.routes.set(path, (_req, res) => {
    const more = (): void => {
      sent += 1;
      if (sent < 10_000 && !res.destroyed) res.write(Buffer.alloc(64 * 1024, 0x20), more);
    };
    more();
  });
  await assert.rejects(discover(server.origin, askIssuer), /more than 262144 bytes/);
  assert.ok(sent < 1_000, `${sent} pieces were taken`);
  server.routes.set(path, (_req, res) => res.end('<html>secret of theirs</html>'));
  await assert.rejects(discover(server.origin, askIssuer), (error: unknown) => {
    assert.ok(error instanceof IssuerWrong);
    assert.doesNotMatch(`${error.message} ${error.mend}`, /secret/);
    return true;
  });
});

test('B-OA-4: keys are asked for at https alone, or on loopback where the issuer is', async () => {
  const path = '/.well-known/openid-configuration';
  const wrong = [
    undefined,
    7,
    'http://keys.example.org/jwks',
    'file:///etc/passwd',
    'https://u:p@a.example/jwks',
    `http://localhost.evil.example/jwks`,
    'jwks',
  ];
  for (const jwks_uri of wrong) {
    server.json(path, { issuer: server.origin, jwks_uri });
    await assert.rejects(
      discover(server.origin, askIssuer),
      /no address of keys/,
      String(jwks_uri),
    );
  }
  const secure = 'https://issuer.example.org';
  const ask = async () => ({
    status: 200,
    json: { issuer: secure, jwks_uri: 'http://127.0.0.1:1/jwks' },
    dateMs: Number.NaN,
  });
  await assert.rejects(discover(secure, ask), /no address of keys/);
});

test('an issuer that is away is told from one that has nothing', async () => {
  const path = '/.well-known/openid-configuration';
  server.json(path, {}, 503);
  await assert.rejects(discover(server.origin, askIssuer), IssuerAway);
  server.routes.clear();
  await assert.rejects(discover(server.origin, askIssuer), /no metadata/);
  const gone = await startIssuer();
  await gone.close();
  await assert.rejects(discover(gone.origin, askIssuer), IssuerAway);
});
