import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigInput } from './collect.ts';
import { ConfigError, loadConfig, publicUrlOf } from './config.ts';
import { describeConfig } from './describe.ts';

const input = (more: Partial<ConfigInput> = {}): ConfigInput => ({
  env: {},
  args: {},
  platform: 'linux',
  home: '/home/ana',
  cwd: '/srv',
  checkout: '/checkout',
  readFile: () => {
    throw new Error('no such file');
  },
  ...more,
});

function problemsOf(more: Partial<ConfigInput>): string[] {
  try {
    loadConfig(input(more));
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ setting }) => setting);
  }
  return [];
}

test('nothing configured is a whole, frozen configuration', () => {
  const config = loadConfig(input());
  assert.equal(config.port, 3333);
  assert.equal(config.portNamed, false);
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.dataDir, '/checkout/data');
  assert.equal(config.demo, true);
  assert.equal(config.memberIds, 'patient-id');
  assert.equal(publicUrlOf(config, 3334), 'http://localhost:3334');
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.roles));
});

test('every fault is listed at once, with its setting', () => {
  const env = {
    PORT: '70000',
    HOST: 'a b',
    PUBLIC_URL: 'https://twin.example.org/path',
    DEMO: 'yes',
    LOG_LEVEL: 'loud',
    MEMBER_IDS: 'mrn',
    ROLES: 'http,mpc',
    READ_WAIT_MS: '-1',
    ALLOWED_ORIGINS: 'https://a.example,*',
    NODE_ENV: 'prod',
    SCHEMA_REGISTRY_URL: 'http://registry:8081',
  };
  assert.deepEqual(problemsOf({ env }).toSorted(), Object.keys(env).toSorted());
});

test('a value that is not exactly one of the allowed is a fault', () => {
  const wrong: [string, string[]][] = [
    ['PORT', ['3333x', '0x10', '1e3', ' 80', '+1', '80.0', '65536']],
    ['HOST', ['256.1.1.1', 'evil@localhost', 'a_b', '-a', '[::1]']],
    ['PUBLIC_URL', ['localhost:3333', 'ftp://a', 'https://a/', 'https://A', 'https://u:p@a']],
    ['DEMO', ['ON', 'true', '1']],
    ['ROLES', ['http,http', '', 'all', 'http,mcp', 'http,mcp,intake,relations-writer,warming']],
    ['ALLOWED_ORIGINS', ['*', 'null', 'https://a.example/', 'https://a.example,,']],
  ];
  for (const [name, texts] of wrong) {
    for (const text of texts.filter((value) => value !== '')) {
      const [problem] = problemsOf({ env: { [name]: text } });
      assert.equal(problem, name, `${name}=${text}`);
    }
  }
});

test('without a key a simulator answers checks, and in production nobody does', () => {
  assert.equal(loadConfig(input({})).eligibility?.simulated, true);
  assert.equal(loadConfig(input({ env: { STEDI_API_KEY: 'k' } })).eligibility?.simulated, false);
  const env = { CLEARINGHOUSE_URL: 'http://127.0.0.1:9', ELIGIBILITY_SLOTS: '7' };
  const { eligibility } = loadConfig(input({ env }));
  assert.deepEqual([eligibility?.simulated, eligibility?.slots], [false, 7]);
  assert.deepEqual(problemsOf({ env: { CLEARINGHOUSE_URL: 'http://h.example' } }), [
    'CLEARINGHOUSE_URL',
  ]);
  assert.deepEqual(problemsOf({ env: { ELIGIBILITY_NPI: '1999999985' } }), ['ELIGIBILITY_NPI']);
});

test('arguments win over the environment; an empty argument is a fault', () => {
  const config = loadConfig(input({ env: { PORT: '1' }, args: { PORT: '0', DATA_DIR: 'here' } }));
  assert.equal(config.port, 0);
  assert.equal(config.portNamed, true);
  assert.equal(config.dataDir, '/srv/here');
  assert.deepEqual(problemsOf({ args: { PORT: '' } }), ['--port (PORT)']);
});

test('a Redis is known by its address, and its password is never printed', () => {
  const env = { REDIS_URL: 'rediss://u:hush@r.example/1', REDIS_PREFIX: 'acme' };
  const config = loadConfig(input({ env }));
  assert.equal(config.redis?.prefix, 'acme');
  const shown = describeConfig(config).find(({ name }) => name === 'REDIS_URL');
  assert.equal(shown?.value, 'rediss://r.example:6379/1');
  assert.doesNotMatch(JSON.stringify(describeConfig(config)), /hush/);
  assert.deepEqual(problemsOf({ env: { REDIS_URL: 'r.example:6379' } }), ['REDIS_URL']);
});

test('production names every unnamed embedded part and every development setting', () => {
  const development = { DEMO: 'on', OAUTH_LOOPBACK_CLIENTS: 'on', CONFORMANCE: 'on' };
  const env = { NODE_ENV: 'production', ...development };
  const settings = ['EMBEDDED', 'EMBEDDED', ...Object.keys(development)];
  assert.deepEqual(problemsOf({ env }), [...settings, 'PUBLIC_URL', 'OAUTH_ISSUER']);
});

test('a secret comes from its variable or its file, and is never printed', () => {
  const readFile = (path: string): string => {
    assert.equal(path, '/run/secrets/token');
    return 'from-file\n';
  };
  const env = { DIGITAL_TWIN_TOKEN_FILE: '/run/secrets/token' };
  const config = loadConfig(input({ env, readFile }));
  assert.equal(config.token, 'from-file');
  assert.doesNotMatch(JSON.stringify(describeConfig(config)), /from-file/);
  const both = { ...env, DIGITAL_TWIN_TOKEN: 'direct' };
  assert.deepEqual(problemsOf({ env: both, readFile }), ['DIGITAL_TWIN_TOKEN']);
  assert.deepEqual(problemsOf({ env }), ['DIGITAL_TWIN_TOKEN']);
});

test('the message of a fault does not repeat the value', () => {
  const env = { DIGITAL_TWIN_TOKEN: 'hush\u0007', PORT: 'hush' };
  assert.throws(
    () => loadConfig(input({ env })),
    (error: Error) => !error.message.includes('hush'),
  );
});

test('from the package, data lives where the platform keeps it', () => {
  const dirOf = (platform: NodeJS.Platform, env: Record<string, string>): string =>
    loadConfig(input({ checkout: undefined, platform, env })).dataDir;
  assert.equal(dirOf('linux', {}), '/home/ana/.local/share/digital-twin');
  assert.equal(dirOf('linux', { XDG_DATA_HOME: '/xdg' }), '/xdg/digital-twin');
  assert.equal(dirOf('linux', { XDG_DATA_HOME: 'rel' }), '/home/ana/.local/share/digital-twin');
  assert.equal(dirOf('darwin', {}), '/home/ana/Library/Application Support/digital-twin');
  assert.equal(dirOf('win32', { LOCALAPPDATA: 'C:\\Data' }), 'C:\\Data\\digital-twin');
});
