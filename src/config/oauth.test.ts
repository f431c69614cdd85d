import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigInput } from './collect.ts';
import { ConfigError, loadConfig } from './config.ts';
import { describeConfig } from './describe.ts';

const ISSUER = 'https://login.example.org/realms/acme';
const PRODUCTION = {
  NODE_ENV: 'production',
  EMBEDDED: 'log,spicedb',
  PUBLIC_URL: 'https://twin.example.org',
};

const input = (env: Record<string, string>): ConfigInput => ({
  env,
  args: {},
  platform: 'linux',
  home: '/home/ana',
  cwd: '/srv',
  checkout: '/checkout',
  readFile: () => '',
});

function problemsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(input(env));
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ setting }) => setting);
  }
  return [];
}

test('an issuer alone is RFC 9068 with our own audience', () => {
  const { oauth } = loadConfig(input({ OAUTH_ISSUER: ISSUER }));
  const none = { audience: undefined, claims: {}, scopePrefix: '', pagesClientId: undefined };
  assert.deepEqual(oauth, { issuer: ISSUER, profile: 'rfc9068', ...none });
  assert.equal(loadConfig(input({})).oauth, undefined);
});

test('everything of an issuer is taken, and shown as it was written', () => {
  const env = {
    OAUTH_ISSUER: 'https://acme.eu.auth0.com/',
    OAUTH_AUDIENCE: 'https://twin.example.org/mcp',
    OAUTH_PROFILE: 'auth0',
    OAUTH_CLAIMS: 'tenant=https://acme.example/tenant, act=actor',
    OAUTH_SCOPE_PREFIX: 'api://twin/',
    OAUTH_PAGES_CLIENT_ID: 'pages-of-acme',
  };
  const config = loadConfig(input(env));
  assert.equal(config.oauth?.issuer, 'https://acme.eu.auth0.com/');
  assert.deepEqual(config.oauth?.claims, { tenant: 'https://acme.example/tenant', act: 'actor' });
  const shown = Object.fromEntries(describeConfig(config).map(({ name, value }) => [name, value]));
  assert.equal(shown.OAUTH_CLAIMS, 'tenant=https://acme.example/tenant,act=actor');
  assert.equal(shown.OAUTH_PROFILE, 'auth0');
  assert.equal(config.oauth?.pagesClientId, 'pages-of-acme');
  assert.equal(shown.OAUTH_PAGES_CLIENT_ID, 'pages-of-acme');
});

test('what is no issuer, audience, profile or claim is a fault', () => {
  const wrong: Record<string, string[]> = {
    OAUTH_ISSUER: [
      ...['http://login.example.org', 'login.example.org', 'https://u:p@a.example', 'https://A.b'],
      ...['https://a.example?x=1', 'https://a.example/#x', 'https://a.example/../b', 'ftp://a'],
      ...[
        'http://localhost.evil.example',
        'http://127.0.0.1.evil.example',
        `https://a/${'x'.repeat(600)}`,
      ],
    ],
    OAUTH_AUDIENCE: ['a b', 'ä', 'x'.repeat(513)],
    OAUTH_PROFILE: ['Auth0', 'oidc'],
    OAUTH_CLAIMS: ['tenant', 'tenant=', 'iss=x', 'tenant=a,tenant=b', 'exp=e', '=x', 'tenant=a b'],
    OAUTH_SCOPE_PREFIX: ['a b', 'a"b', 'a\\b'],
    OAUTH_PAGES_CLIENT_ID: ['a b', 'ä'],
  };
  for (const [name, texts] of Object.entries(wrong)) {
    for (const text of texts) {
      assert.deepEqual(problemsOf({ OAUTH_ISSUER: ISSUER, [name]: text }), [name], text);
    }
  }
});

test('an issuer on loopback may do without TLS', () => {
  for (const issuer of ['http://localhost:8080', 'http://127.0.0.1:1/x', 'http://[::1]:2/y/']) {
    assert.equal(loadConfig(input({ OAUTH_ISSUER: issuer })).oauth?.issuer, issuer);
  }
});

test('what belongs to an issuer needs one', () => {
  const env = { OAUTH_AUDIENCE: 'x', OAUTH_PROFILE: 'okta', OAUTH_CLAIMS: 'tenant=t' };
  const all = { ...env, OAUTH_PAGES_CLIENT_ID: 'p' };
  assert.deepEqual(problemsOf(all), Object.keys(all));
});

test('B-OA-9: production starts with an issuer, and says that it needs one', () => {
  assert.deepEqual(problemsOf({ ...PRODUCTION, OAUTH_ISSUER: ISSUER }), []);
  assert.deepEqual(problemsOf(PRODUCTION), ['OAUTH_ISSUER']);
  assert.throws(() => loadConfig(input(PRODUCTION)), /OAUTH_ISSUER must be set .*docs\/oauth\.md/);
  const config = loadConfig(input({ ...PRODUCTION, OAUTH_ISSUER: ISSUER }));
  assert.equal(config.demo, false);
  assert.equal(config.memberIds, 'opaque');
});

test('B-OA-9: production takes no leave to do without TLS at the issuer', () => {
  const env = { ...PRODUCTION, OAUTH_ISSUER: ISSUER };
  const leave = { MCP_DANGEROUSLY_ALLOW_INSECURE_ISSUER_URL: 'true' };
  assert.deepEqual(problemsOf({ ...env, ...leave }), Object.keys(leave));
});
