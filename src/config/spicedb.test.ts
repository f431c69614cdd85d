import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, ConfigError, loadConfig } from './config.ts';
import { describeConfig } from './describe.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

function load(env: Readonly<Record<string, string>>): Config {
  const readFile = (path: string): string => {
    if (path === '/etc/ca.pem') return PEM;
    if (path === '/etc/key') return 'from a file\n';
    if (path === '/etc/other') return 'not a certificate';
    throw new Error('no such file');
  };
  const where = { platform: 'linux', home: '/home/ana', cwd: '/srv', checkout: '/c' } as const;
  return loadConfig({ env, args: {}, ...where, readFile });
}

function spicedbOf(endpoint: string, more: Readonly<Record<string, string>> = {}) {
  return load({ SPICEDB_ENDPOINT: endpoint, SPICEDB_TOKEN: 'key', ...more }).spicedb;
}

function problemsOf(env: Readonly<Record<string, string>>): string[] {
  try {
    load(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ setting }) => setting);
  }
  return [];
}

test('without an endpoint the embedded SpiceDB runs', () => {
  assert.equal(load({}).spicedb, undefined);
  const alone = { SPICEDB_TOKEN: 'key', SPICEDB_TLS_CA: '/etc/ca.pem', SPICEDB_PREFIX: 'acme' };
  assert.deepEqual(problemsOf(alone), Object.keys(alone));
});

test('TLS everywhere but on loopback, unless the scheme says otherwise', () => {
  const uses = (endpoint: string): boolean | undefined => spicedbOf(endpoint)?.tls;
  assert.equal(uses('spicedb.example.org:50051'), true);
  assert.equal(uses('http://spicedb.example.org:50051'), false);
  assert.deepEqual(['localhost:1', '127.0.0.1:1', '[::1]:1'].map(uses), [false, false, false]);
  assert.equal(uses('https://127.0.0.1:50051'), true);
  assert.equal(spicedbOf('127.0.0.1:50051', { SPICEDB_TLS_CA: '/etc/ca.pem' })?.tls, true);
});

test('the authority is read from its file, the token from its variable or file', () => {
  const spicedb = spicedbOf('spicedb.example.org:50051', { SPICEDB_TLS_CA: '/etc/ca.pem' });
  assert.deepEqual([spicedb?.endpoint, spicedb?.tlsCa], ['spicedb.example.org:50051', PEM]);
  const config = load({ SPICEDB_ENDPOINT: 'localhost:1', SPICEDB_TOKEN_FILE: '/etc/key' });
  assert.equal(config.spicedb?.token, 'from a file');
  assert.doesNotMatch(JSON.stringify(describeConfig(config)), /from a file/);
});

test('what does not fit together is a fault of its setting', () => {
  const at = (SPICEDB_ENDPOINT: string, more = {}) =>
    problemsOf({ SPICEDB_ENDPOINT, SPICEDB_TOKEN: 'key', ...more });
  assert.deepEqual(problemsOf({ SPICEDB_ENDPOINT: 'localhost:1' }), ['SPICEDB_TOKEN']);
  for (const file of ['/etc/none', '/etc/other']) {
    assert.deepEqual(at('a.example:1', { SPICEDB_TLS_CA: file }), ['SPICEDB_TLS_CA']);
  }
  const plain = at('http://a.example:1', { SPICEDB_TLS_CA: '/etc/ca.pem' });
  assert.deepEqual(plain, ['SPICEDB_TLS_CA']);
  const production = at('http://a.example:1', { NODE_ENV: 'production', EMBEDDED: 'log' });
  assert.ok(production.includes('SPICEDB_ENDPOINT') && !production.includes('EMBEDDED'));
  for (const wrong of ['a.example', 'a.example:', ':1', 'ftp://a:1', 'a:1/x', 'u@a:1', 'A b:1']) {
    assert.deepEqual(at(wrong), ['SPICEDB_ENDPOINT'], wrong);
  }
  for (const wrong of ['Acme', 'a', 'acme/', 'a-b', '9ab']) {
    assert.deepEqual(at('localhost:1', { SPICEDB_PREFIX: wrong }), ['SPICEDB_PREFIX'], wrong);
  }
});
