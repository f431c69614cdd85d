import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Wrong } from './parsers.ts';
import { redisPrefix, redisShown, redisUrl } from './redis.ts';

test('each form of a Redis address is taken apart, and shown without its password', () => {
  const forms: [string, object, string][] = [
    ['redis://localhost', { kind: 'single', tls: false, db: 0 }, 'redis://localhost:6379'],
    [
      'rediss://:p%40ss@r.example:6380/2',
      { tls: true, db: 2, password: 'p@ss' },
      'rediss://r.example:6380/2',
    ],
    ['redis://ana:a:b@[::1]:7000', { username: 'ana', password: 'a:b' }, 'redis://::1:7000'],
    [
      'rediss+sentinel://u:p@s1,s2:26380/twins/1',
      { kind: 'sentinel', master: 'twins', db: 1, tls: true },
      'rediss+sentinel://s1:26379,s2:26380/twins/1',
    ],
    ['redis+cluster://c1:7001,c2', { kind: 'cluster', db: 0 }, 'redis+cluster://c1:7001,c2:6379'],
  ];
  for (const [text, expected, shown] of forms) {
    const target = redisUrl(text);
    assert.partialDeepStrictEqual(target, expected, text);
    assert.equal(redisShown(target), shown);
  }
});

test('whatever else is a fault that does not repeat the address', () => {
  const wrong = [
    'http://localhost',
    'redis://',
    'redis://a,b',
    'redis://host:0',
    'redis://host:99999',
    'redis://host/db',
    'redis://host/1/2',
    'redis://host?db=1',
    'redis+sentinel://host',
    'redis+sentinel://host/ma ster',
    'redis+cluster://host/1',
    'redis+other://host',
    'redis://u:%zz@host',
  ];
  for (const text of wrong) {
    assert.throws(
      () => redisUrl(text),
      (error: Error) => error instanceof Wrong && !error.message.includes('%zz'),
      text,
    );
  }
  for (const text of ['', 'a b', '{x}', 'a'.repeat(65)])
    assert.throws(() => redisPrefix(text), Wrong);
});
