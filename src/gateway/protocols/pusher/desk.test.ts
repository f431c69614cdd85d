import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../kernel/errors.ts';
import { createAuthDesk } from './desk.ts';
import { APP, principal, World } from './pusher.rig.ts';

const SUCCEEDED = 'pusher_internal:subscription_succeeded';

async function opened() {
  const world = await new World().start();
  const asked: { uri: string; granted: boolean }[] = [];
  const rights = {
    readable: world.parts.rights.readable,
    asked: (_who: unknown, uris: readonly { uri: string; granted: boolean }[]) => {
      asked.push(...uris);
      return Promise.resolve();
    },
  };
  const desk = createAuthDesk({ ...world.parts, rights });
  const form = (fields: Record<string, string>) => new Map(Object.entries(fields));
  const caller = (who = principal()) => ({ principal: who, correlationId: 'c' });
  return { world, desk, form, caller, asked };
}

test('B-GW-73: who may see a member is let onto the member’s channels, and nobody else', async () => {
  const { world, desk, form, caller, asked } = await opened();
  const client = await world.connect();
  const ask = (channel: string, who = principal()) =>
    desk.authorize(caller(who), form({ socket_id: client.connection.id, channel_name: channel }));
  const private_ = await ask('private-member-ana');
  await client.say('pusher:subscribe', { channel: 'private-member-ana', ...private_ });
  const presence = await ask('presence-member-ana');
  await client.say('pusher:subscribe', { channel: 'presence-member-ana', ...presence });
  assert.equal(client.count(SUCCEEDED), 2);
  assert.match(private_?.auth ?? '', /^key:[0-9a-f]{64}$/);
  assert.equal(asked.length, 0, 'what is granted is asked for when it is subscribed to');
  assert.equal(await ask('private-member-ben'), undefined);
  assert.equal(await ask('private-member-nobody'), undefined);
  assert.ok(asked.length > 0 && asked.every(({ granted }) => !granted));
  assert.equal(await ask('private-own'), undefined, 'an app’s own channel');
  assert.equal(await ask('news'), undefined);
  assert.equal(await ask('private-member-ana', principal('ana', { tenant: 'nobody' })), undefined);
});

test('B-GW-73: a form that is wrong is an error', async () => {
  const { desk, form, caller } = await opened();
  const good = { socket_id: '1.1', channel_name: 'private-member-ana' };
  const wrong = [
    { ...good, socket_id: '1.1:private-member-ben' },
    { ...good, socket_id: '' },
    { ...good, channel_name: 'private-member-ana\n' },
    { ...good, device: 'a b' },
    { ...good, device: 'a'.repeat(129) },
    { ...good, epoch: 'e' },
    { ...good, epoch: 'e', last_offset: '1e3' },
    { ...good, last_offset: '1' },
  ];
  for (const fields of wrong) {
    await assert.rejects(
      desk.authorize(caller(), form(fields)),
      (error) => error instanceof Fault && error.code === 'INVALID_ARGUMENT',
      JSON.stringify(fields),
    );
  }
  assert.throws(() => desk.signIn(caller(), form({ socket_id: 'x' })), Fault);
});

test('B-GW-67: a person signs in as who their token says', async () => {
  const { world, desk, form, caller } = await opened();
  const client = await world.connect();
  const signed = desk.signIn(caller(), form({ socket_id: client.connection.id }));
  await client.say('pusher:signin', signed);
  assert.deepEqual(client.last('pusher:signin_success').data, { user_data: signed.user_data });
  await client.subscribe('#server-to-user-ana');
  assert.equal(client.count(SUCCEEDED), 1);
  world.changed({ kind: 'token', tokenId: 'token-ana' });
  assert.equal(client.connection.closedWith, 4009, 'as long as the token');
  const again = await world.connect();
  await again.say('pusher:signin', signed);
  assert.equal(again.count('pusher:signin_success'), 0, 'of another socket');
});

test('B-GW-73: with several apps of a tenant the client says which, and never another tenant’s', async () => {
  const { desk, form, caller } = await opened();
  const fields = { socket_id: '1.1', channel_name: 'private-member-ana' };
  const named = await desk.authorize(caller(), form({ ...fields, app_key: APP.key }));
  assert.ok(named?.auth.startsWith('key:'));
  assert.equal(
    await desk.authorize(caller(), form({ ...fields, app_key: 'other-key' })),
    undefined,
  );
});
