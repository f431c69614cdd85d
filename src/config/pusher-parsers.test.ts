import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leadsBack, pusherBridgeUrl } from './pusher-parsers.ts';

test('B-GW-40: the former Pusher is named as Pusher names it', () => {
  assert.deepEqual(pusherBridgeUrl('https://k1:s-1@api-eu.pusher.com/apps/7'), {
    ...{ appId: '7', key: 'k1', secret: 's-1', host: 'api-eu.pusher.com', port: 443, tls: true },
  });
  const { tls, port } = pusherBridgeUrl('http://k:s@127.0.0.1:7001/apps/7');
  assert.deepEqual([tls, port], [false, 7001]);
});

test('B-GW-40: what is no such address, or goes in the clear, is refused and never repeated', () => {
  for (const text of [
    '',
    'k:hush@api-eu.pusher.com/apps/7',
    'http://k:hush@api-eu.pusher.com/apps/7',
    'https://api-eu.pusher.com/apps/7',
    'https://k@api-eu.pusher.com/apps/7',
    'https://k:hush@api-eu.pusher.com/',
    'https://k:hush@api-eu.pusher.com/apps/7?a=b',
    'https://k:hu%20sh@api-eu.pusher.com/apps/7',
    'ftp://k:hush@api-eu.pusher.com/apps/7',
  ]) {
    assert.throws(
      () => pusherBridgeUrl(text),
      (error: Error) => /must be https/.test(error.message) && !/hush/.test(error.message),
      text,
    );
  }
});

test('B-GW-40: a bridge to this very server is refused: each event would come back for ever', () => {
  const bridge = pusherBridgeUrl('https://k:s@twin.example.org/apps/7');
  const own = { PUSHER_BRIDGE_URL: bridge, PUBLIC_URL: 'https://twin.example.org' };
  assert.equal(leadsBack(own), true);
  assert.equal(leadsBack({ ...own, PUBLIC_URL: 'https://other.example.org' }), false);
  assert.equal(leadsBack({ PUSHER_BRIDGE_URL: bridge }), false);
  const local = pusherBridgeUrl('http://k:s@127.0.0.1:3333/apps/7');
  assert.equal(leadsBack({ PUSHER_BRIDGE_URL: local, PORT: 3333 }), true);
  assert.equal(leadsBack({ PUSHER_BRIDGE_URL: local, PORT: 3334 }), false);
  assert.equal(leadsBack({ PUBLIC_URL: 'https://twin.example.org', PORT: 3333 }), false);
});
