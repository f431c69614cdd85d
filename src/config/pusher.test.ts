import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Wrong } from './parsers.ts';
import { isLoopbackWebhook, pusherApps } from './pusher.ts';

const APP = { id: '1', key: 'k', secret: 's'.repeat(20), tenant: 'demo' };

test('apps are read with what they leave out', () => {
  const webhooks = ['https://hooks.example.org/x', 'http://127.0.0.1:8080/x'];
  assert.deepEqual(pusherApps(JSON.stringify([APP, { ...APP, id: '2', key: 'l', webhooks }])), [
    { ...APP, webhooks: [], subscriptionCount: false },
    { ...APP, id: '2', key: 'l', webhooks, subscriptionCount: false },
  ]);
  assert.ok(isLoopbackWebhook('http://127.0.0.1:8080/x'));
  assert.ok(!isLoopbackWebhook('https://hooks.example.org/x'));
});

test('whatever else is a fault that tells no secret', () => {
  const wrong: unknown[] = [
    {},
    [],
    [1],
    [{ ...APP, more: 1 }],
    [{ ...APP, id: 'a b' }],
    [{ ...APP, key: '' }],
    [{ ...APP, secret: 'short' }],
    [{ ...APP, tenant: undefined }],
    [APP, APP],
    [APP, { ...APP, id: '2' }],
    [{ ...APP, subscriptionCount: 'yes' }],
    ...[
      ...['http://hooks.example.org/x', 'https://10.0.0.1/x', 'https://[::1]x/', 'hooks'],
      ...['https://hooks.example.org:8443/x', 'https://u@hooks.example.org/x', 'https://intranet/'],
    ].map((url) => [{ ...APP, webhooks: [url] }]),
    [{ ...APP, webhooks: 'https://hooks.example.org/x' }],
  ];
  for (const value of wrong) {
    assert.throws(
      () => pusherApps(JSON.stringify(value)),
      (error) => error instanceof Wrong && !error.message.includes(APP.secret),
      JSON.stringify(value),
    );
  }
  assert.throws(() => pusherApps('no JSON'), Wrong);
});
