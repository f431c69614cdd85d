import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type Pusher from 'pusher';
import {
  backend,
  type Connected,
  connect,
  SDK_VERSIONS,
  type SdkVersion,
  startOwnEndpoint,
  startPusher,
  until,
} from './support/pusher.ts';
import type { TestServer } from './support/server.ts';

/** realtime.md §7 T2: the cases of pusher-js's own integration suite, with the package itself. */

let server: TestServer;
let endpoint: Awaited<ReturnType<typeof startOwnEndpoint>>;
let http: Pusher;

before(async () => {
  server = await startPusher();
  endpoint = await startOwnEndpoint(server);
  http = backend(server);
});
after(async () => {
  endpoint.stop();
  await server.stop();
});

let names = 0;
const named = (prefix: string): string => {
  names += 1;
  return `${prefix}case-${names}`;
};

/** Two people on one app. */
async function two(version: SdkVersion): Promise<[Connected, Connected]> {
  const as = (user: string) =>
    connect(server, {
      version,
      endpoint: endpoint.url,
      userEndpoint: endpoint.url,
      params: { user },
    });
  return await Promise.all([as('ann'), as('bob')]);
}

/** Whatever was to come on a connection has come once this has. */
async function settled(...clients: Connected[]): Promise<void> {
  for (const client of clients) {
    const marker = named('marker-');
    await client.join(marker);
    await http.trigger(marker, 'marker', {});
    await until(() => client.events(marker).length > 0, 'the marker');
  }
}

describe('pusher-js', { concurrency: 5 }, () => {
  for (const version of Object.keys(SDK_VERSIONS) as SdkVersion[]) cases(version);
});

function cases(version: SdkVersion): void {
  describe(`pusher-js ${version}`, { concurrency: 1 }, () => {
    let ann: Connected;
    let bob: Connected;
    before(async () => {
      [ann, bob] = await two(version);
    });
    after(() => {
      for (const { client } of [ann, bob]) client.disconnect();
    });

    test('B-GW-74: members are there with their data, come once and go once', async () => {
      const name = named('presence-');
      const own = await ann.join(name);
      assert.equal(own.members?.count, 1);
      assert.deepEqual(own.members?.me, { id: 'ann', info: { name: 'ann' } });
      const theirs = await bob.join(name);
      assert.equal(theirs.members?.count, 2);
      assert.deepEqual(theirs.members?.get('ann')?.info, { name: 'ann' });
      await until(() => own.members?.count === 2, 'bob came');
      assert.deepEqual(own.members?.get('bob')?.info, { name: 'bob' });
      bob.client.unsubscribe(name);
      await until(() => own.members?.count === 1, 'bob went');
      const told = ann.heard.filter(({ channel }) => channel === name).map(({ event }) => event);
      assert.deepEqual(told, [
        'pusher:subscription_succeeded',
        'pusher:member_added',
        'pusher:member_removed',
      ]);
    });

    for (const prefix of ['private-', 'presence-']) {
      test(`B-GW-74: a client event on ${prefix} reaches the other, and not its sender`, async () => {
        const name = named(prefix);
        const [mine, theirs] = [await ann.join(name), await bob.join(name)];
        const senders: (string | undefined)[] = [];
        theirs.bind('client-hello', (_data, more) => senders.push(more?.user_id));
        assert.ok(mine.trigger('client-hello', { foo: 'bar' }));
        await until(() => bob.events(name).includes('client-hello'), 'the event');
        await settled(ann, bob);
        assert.deepEqual(ann.events(name), []);
        const heard = bob.heard.find(({ event }) => event === 'client-hello');
        assert.deepEqual(heard?.data, { foo: 'bar' });
        // Versions before 5 do not hand on who sent it.
        if (prefix === 'presence-' && version !== '4.4') assert.deepEqual(senders, ['ann']);
      });
    }

    for (const prefix of ['', 'private-', 'presence-']) {
      const kind = prefix === '' ? 'public ' : prefix;
      test(`B-GW-74: ${kind}channels: what servers publish, past the socket that they name`, async () => {
        const name = named(prefix === '' ? 'public-' : prefix);
        await ann.join(name);
        await bob.join(name);
        await http.trigger(name, 'told', { n: 1 });
        await http.trigger(name, 'told', { n: 2 }, { socket_id: ann.client.connection.socket_id });
        await http.triggerBatch([{ channel: name, name: 'told', data: { n: 3 } }]);
        await settled(ann, bob);
        const told = (one: Connected) =>
          one.heard.filter(({ channel, event }) => channel === name && event === 'told');
        assert.deepEqual(
          told(ann).map(({ data }) => data),
          [{ n: 1 }, { n: 3 }],
        );
        assert.deepEqual(
          told(bob).map(({ data }) => data),
          [{ n: 1 }, { n: 2 }, { n: 3 }],
        );
      });

      test(`B-GW-74: ${kind}channels: every order of subscribing and leaving ends as it should`, async () => {
        const orders: [string, boolean][] = [
          ['sub sub', true],
          ['sub wait sub', true],
          ['sub unsub', false],
          ['sub wait unsub', false],
          ['sub unsub sub', true],
          ['sub unsub wait sub', true],
          ['sub unsub unsub', false],
          ['sub wait unsub unsub', false],
          ['sub wait unsub sub', true],
        ];
        for (const [order, subscribed] of orders) {
          const name = named(prefix === '' ? 'public-' : prefix);
          for (const step of order.split(' ')) {
            if (step === 'sub') ann.subscribe(name);
            else if (step === 'unsub') ann.client.unsubscribe(name);
            else await settled(ann);
          }
          if (subscribed) {
            await until(() => ann.client.channel(name)?.subscribed === true, `${order} on ${name}`);
          } else await settled(ann);
          await http.trigger(name, 'told', {});
          await settled(ann);
          assert.equal(ann.events(name).length, subscribed ? 1 : 0, `${order} on ${name}`);
          const { status } = await http.get({ path: `/channels/${name}`, params: {} });
          assert.equal(status, 200);
        }
      });
    }

    test('B-GW-74: what a server encrypts passes through, and its clients read it', async () => {
      const name = named('private-encrypted-');
      await ann.join(name);
      await http.trigger(name, 'told', { secret: 'ä' });
      await until(() => ann.events(name).includes('told'), 'told');
      const { data } =
        ann.heard.find(({ channel, event }) => channel === name && event === 'told') ?? {};
      assert.deepEqual(data, { secret: 'ä' });
    });

    test('B-GW-74: a cache channel begins with what was said last', async () => {
      const name = named('cache-');
      await ann.join(name);
      await until(
        () =>
          ann.heard.some(({ channel, event }) => {
            return channel === name && event === 'pusher:cache_miss';
          }),
        'a miss',
      );
      await http.trigger(name, 'told', { n: 1 });
      await bob.join(name);
      await until(() => bob.events(name).includes('told'), 'told');
      await settled(ann, bob);
      assert.deepEqual([ann.events(name), bob.events(name)], [['told'], ['told']]);
    });

    test('B-GW-74: a client that is told to reconnect is back on all its channels', async () => {
      const name = named('presence-');
      await ann.join(name);
      const before = ann.client.connection.socket_id;
      cutOff(ann);
      await until(
        () =>
          ann.client.connection.state === 'connected' &&
          ann.client.connection.socket_id !== before &&
          ann.client.channel(name)?.subscribed === true,
        'back',
      );
      await http.trigger(name, 'told', {});
      await until(() => ann.events(name).includes('told'), 'the event after it');
    });
  });
}

/** The SDK's own socket is ended beneath it. */
function cutOff({ client }: Connected): void {
  const { connection } = client.connection as unknown as {
    connection: { transport: { socket: { close(): void } } };
  };
  connection.transport.socket.close();
}

for (const version of ['8.6', '7.6'] as const) {
  test(`B-GW-74: pusher-js ${version}: a user signs in, is reached, and is thrown out`, async () => {
    const [ann, bob] = await two(version);
    const told: unknown[] = [];
    ann.client.user?.bind('hello', (data) => told.push(data));
    ann.client.signin?.();
    await until(async () => {
      await http.sendToUser('ann', 'hello', { n: 1 });
      return told.length > 0;
    }, 'reached');
    assert.deepEqual(told[0], { n: 1 });
    await http.terminateUserConnections('ann');
    await until(() => ann.client.connection.state === 'disconnected', 'thrown out');
    assert.equal(bob.client.connection.state, 'connected');
    for (const { client } of [ann, bob]) client.disconnect();
  });
}

test('B-GW-74: Pusher’s library asks for channels and users', async () => {
  const [ann, bob] = await two('8.6');
  const name = named('presence-');
  await ann.join(name);
  await bob.join(name);
  const get = async (path: string, params = {}) => await (await http.get({ path, params })).json();
  await until(async () => {
    const { channels } = (await get('/channels', {
      filter_by_prefix: name,
      info: 'user_count',
    })) as { channels: Record<string, { user_count: number }> };
    return channels[name]?.user_count === 2;
  }, 'both are counted');
  const { users } = (await get(`/channels/${name}/users`)) as { users: { id: string }[] };
  assert.deepEqual(users.map(({ id }) => id).sort(), ['ann', 'bob']);
  for (const { client } of [ann, bob]) client.disconnect();
});
