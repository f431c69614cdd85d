import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigInput } from './collect.ts';
import { ConfigError, loadConfig } from './config.ts';
import { describeConfig } from './describe.ts';

const PEM = '-----BEGIN CERTIFICATE-----\n';

function load(env: Record<string, string>) {
  const input: ConfigInput = {
    env,
    args: {},
    platform: 'linux',
    home: '/home/ana',
    cwd: '/srv',
    checkout: '/srv/twin',
    readFile(path) {
      if (path.startsWith('/pem/')) return PEM;
      if (path === '/secret') return 'SCRAM-SHA-512:twin:p:a:ss\n';
      throw new Error('no such file');
    },
  };
  return loadConfig(input);
}

function problemsOf(env: Record<string, string>): string[] {
  try {
    load(env);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ setting }) => setting);
  }
}

test('without a broker the log is the embedded one', () => {
  assert.equal(load({}).kafka, undefined);
});

test('a Kafka is one frozen value: brokers, client, TLS, SASL and prefixes', () => {
  const { kafka } = load({
    KAFKA_BROKERS: 'a.example:9092, [::1]:9093',
    KAFKA_CLIENT: 'kafkajs',
    KAFKA_TLS: 'ca=/pem/ca,cert=/pem/cert,key=/pem/key',
    KAFKA_SASL_FILE: '/secret',
    KAFKA_TOPIC_PREFIX: 'acme.',
    KAFKA_GROUP_PREFIX: 'acme-',
    SCHEMA_REGISTRY_URL: 'https://u:p@registry.example/v1',
  });
  assert.deepEqual(kafka, {
    brokers: ['a.example:9092', '[::1]:9093'],
    client: 'kafkajs',
    tls: { ca: PEM, cert: PEM, key: PEM },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'twin', password: 'p:a:ss' },
    topicPrefix: 'acme.',
    groupPrefix: 'acme-',
    schemaRegistry: 'https://u:p@registry.example/v1',
  });
  assert.ok(Object.isFrozen(kafka) && Object.isFrozen(kafka.brokers));
});

test('a client is chosen and nothing else assumed where only brokers are named', () => {
  const expected = {
    ...{ brokers: ['a:1'], client: 'platformatic', topicPrefix: '', groupPrefix: '' },
  };
  assert.deepEqual(load({ KAFKA_BROKERS: 'a:1', KAFKA_TLS: 'off' }).kafka, expected);
  assert.deepEqual(load({ KAFKA_BROKERS: 'a:1', KAFKA_TLS: 'on' }).kafka?.tls, {});
});

for (const [setting, text] of [
  ['KAFKA_BROKERS', 'broker'],
  ['KAFKA_BROKERS', 'broker:0'],
  ['KAFKA_BROKERS', 'kafka://broker:9092'],
  ['KAFKA_BROKERS', 'a:1,a:1'],
  ['KAFKA_CLIENT', 'librdkafka'],
  ['KAFKA_TLS', 'true'],
  ['KAFKA_TLS', 'cert=/pem/cert'],
  ['KAFKA_TLS', 'ca=/pem/ca,ca=/pem/ca'],
  ['KAFKA_TLS', 'ca=/missing'],
  ['KAFKA_SASL', 'SCRAM-SHA-1:user:password'],
  ['KAFKA_SASL', 'PLAIN:user'],
  ['KAFKA_TOPIC_PREFIX', 'acme/'],
  ['KAFKA_GROUP_PREFIX', 'a b'],
  ['SCHEMA_REGISTRY_URL', 'registry.example'],
  ['SCHEMA_REGISTRY_URL', 'ftp://registry.example'],
  ['SCHEMA_REGISTRY_URL', 'https://registry.example/?a=b'],
  ['SCHEMA_REGISTRY_URL', 'https://u:100%@registry.example'],
] as const) {
  test(`${setting}=${text} is a fault`, () => {
    assert.deepEqual(problemsOf({ KAFKA_BROKERS: 'a:1', [setting]: text }), [setting]);
  });
}

test('what belongs to a Kafka is a fault without one', () => {
  const env = {
    KAFKA_CLIENT: 'kafkajs',
    KAFKA_TOPIC_PREFIX: 'acme.',
    SCHEMA_REGISTRY_URL: 'https://registry.example',
  };
  assert.deepEqual(problemsOf(env), Object.keys(env));
});

test('a password never crosses a network in the clear in production', () => {
  const env = { NODE_ENV: 'production', KAFKA_BROKERS: 'a:1', KAFKA_SASL: 'PLAIN:u:p' };
  assert.ok(problemsOf(env).includes('KAFKA_SASL'));
  assert.ok(!problemsOf({ ...env, KAFKA_TLS: 'on' }).includes('KAFKA_SASL'));
  const registry = { ...env, SCHEMA_REGISTRY_URL: 'http://u:p@registry.example' };
  assert.ok(problemsOf(registry).includes('SCHEMA_REGISTRY_URL'));
});

test('the passwords are never printed', () => {
  const secrets = { KAFKA_SASL: 'PLAIN:u:hush', SCHEMA_REGISTRY_URL: 'https://u:hush@a.example' };
  const described = describeConfig(load({ KAFKA_BROKERS: 'a:1', ...secrets }));
  assert.doesNotMatch(JSON.stringify(described), /hush/);
  assert.equal(described.find(({ name }) => name === 'KAFKA_SASL')?.value, '(set, not shown)');
});
