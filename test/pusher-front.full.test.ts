import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { after, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { freePorts } from '../tools/parts/ports.ts';
import { startFront } from './support/front.ts';
import { backend, type Connected, connect, startPusher, until } from './support/pusher.ts';
import { javaClient } from './support/pusher-java.ts';

/** realtime.md §7 T12: for seconds there is no instance at all. */

let front: ChildProcess | undefined;
after(() => front?.kill('SIGTERM'));

test('B-GW-78: T12: after seconds without any instance, stock SDKs are back at once', async (t) => {
  const [at = 0, behind = 0] = await freePorts(2);
  front = await startFront(at, behind);
  const env = { PUBLIC_URL: `http://127.0.0.1:${at}` };
  const args = ['--port', String(behind)];
  const first = await startPusher({ env, args });
  const token = await first.token('ana');
  const channel = 'private-member-demo-ana';
  const phones: Connected[] = await Promise.all(
    Array.from({ length: 20 }, () => connect(first, { token })),
  );
  for (const phone of phones) await phone.join(channel);
  const java = await javaClient(first, { token });
  java.say(`private ${channel}`);
  await java.hears('subscribed', channel);

  const killedAt = performance.now();
  await first.kill();
  await sleep(1_500);
  const second = await startPusher({ env, args, dataDir: first.dataDir });
  const gapMs = performance.now() - killedAt;
  const readyAt = performance.now();
  const isBack = ({ client }: Connected) =>
    client.connection.state === 'connected' && client.channel(channel)?.subscribed === true;
  await until(() => phones.every(isBack), 'all are back', 10_000);
  const connected = () => java.heard.filter(([, state]) => state === 'CONNECTED').length;
  await until(() => connected() === 2, 'Android is back', 10_000);
  t.diagnostic(JSON.stringify({ gapMs, backMs: performance.now() - readyAt }));
  for (const { states } of phones) {
    assert.ok(!states.includes('failed') && !states.includes('disconnected'));
  }
  assert.ok(!java.heard.some(([, state]) => state === 'DISCONNECTED'));

  await until(async () => {
    await backend(second).trigger(channel, 'call_ended', { callId: 'c' });
    return [...phones.map((phone) => phone.events(channel)), java.events(channel)].every(
      (told) => told.length > 0,
    );
  }, 'everybody is told');
  for (const { client } of phones) client.disconnect();
  java.stop();
  await second.stop();
});
