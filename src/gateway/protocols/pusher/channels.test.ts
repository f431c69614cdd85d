import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelKind, isSocketId, isUserId, memberOf, userChannel } from './channels.ts';
import { presenceUserOf, signedInUserOf } from './identity.ts';

test('B-GW-60: a channel is what its prefix says', () => {
  const kinds: Record<string, string> = {
    news: 'public',
    'cache-news': 'public cache',
    'private-a': 'private',
    'private-cache-a': 'private cache',
    'private-cachea': 'private',
    'private-encrypted-a': 'private encrypted',
    'private-encrypted-cache-a': 'private cache encrypted',
    'presence-a': 'presence',
    'presence-cache-a': 'presence cache',
    privatea: 'public',
    __proto__x: 'public',
    '#server-to-user-7': 'user',
  };
  for (const [name, says] of Object.entries(kinds)) {
    const kind = channelKind(name);
    const words = [kind?.access, kind?.cache && 'cache', kind?.encrypted && 'encrypted'];
    assert.equal(words.filter(Boolean).join(' '), says, name);
  }
});

test('B-GW-60: what is no channel name is none', () => {
  const wrong = [
    '',
    'a b',
    'a/b',
    'private-a\nprivate-b',
    'private-a\n',
    'private-ä',
    '#a',
    '#server-to-user-',
    `#server-to-user-${'a'.repeat(129)}`,
    '#server-to-user-a\u0000',
    'a'.repeat(165),
  ];
  for (const name of wrong) assert.equal(channelKind(name), undefined, JSON.stringify(name));
  assert.notEqual(channelKind('a'.repeat(164)), undefined);
  assert.notEqual(channelKind('a_-=@,.;Z9'), undefined);
});

test('the channels of a member are these two names alone', () => {
  assert.equal(memberOf('private-member-demo-ana'), 'demo-ana');
  assert.equal(memberOf('presence-member-demo-ana'), 'demo-ana');
  for (const name of ['private-member-', 'private-member--a', 'member-a', 'private-member-a_b']) {
    assert.equal(memberOf(name), undefined, name);
  }
});

test('a user is told by text or by number, and in bounds', () => {
  assert.deepEqual(presenceUserOf('{"user_id":10,"user_info":{"a":1}}'), {
    id: '10',
    info: { a: 1 },
  });
  assert.deepEqual(presenceUserOf('{"user_id":"10"}'), { id: '10' });
  assert.deepEqual(signedInUserOf('{"id":"10","watchlist":[]}'), { id: '10' });
  const wrong = ['', '[]', '{}', '{"user_id":""}', '{"user_id":null}', '{"user_id":{}}', 'null'];
  const large = JSON.stringify({ user_id: 'a', user_info: 'x'.repeat(1_024) });
  for (const data of [...wrong, large]) assert.equal(presenceUserOf(data), undefined, data);
  assert.ok(!isUserId('a\nb'));
  assert.equal(userChannel('a'), '#server-to-user-a');
});

test('a socket is called by two numbers', () => {
  assert.ok(isSocketId('123.456'));
  for (const wrong of ['', '1', '1.', '.1', '1.2.3', '1.2\n', 'a.b', '1.2:private-x']) {
    assert.ok(!isSocketId(wrong), wrong);
  }
});
