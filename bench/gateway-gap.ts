import { setTimeout as sleep } from 'node:timers/promises';
import { startFront } from '../test/support/front.ts';
import { backend, type Connected, connect, startPusher, until } from '../test/support/pusher.ts';
import { javaClient } from '../test/support/pusher-java.ts';
import { freePorts } from '../tools/parts/ports.ts';
import { percentile, progress, report } from './harness.ts';

const PHONES = 20;
const CHANNEL = 'private-member-demo-ana';
/** More than the gap: the front keeps everybody until then. */
const PARK_MORE_SECONDS = 60;
const BACK_WITHIN_MS = 60_000;
const LOOK_MS = 20;

/**
 * For so long there is no instance at all, and the front keeps whoever comes (realtime.md §7, T12):
 * how long stock SDKs need once an instance is back. One that waits its 15 s, or has given up, shows.
 */
export async function benchGatewayGap(seconds: number): Promise<void> {
  const [at = 0, behind = 0] = await freePorts(2);
  const parked = ['--park-seconds', String(seconds + PARK_MORE_SECONDS)];
  const front = await startFront(at, behind, ...parked);
  const given = { env: { PUBLIC_URL: `http://127.0.0.1:${at}` }, args: ['--port', `${behind}`] };
  const first = await startPusher(given);
  const token = await first.token('ana');
  const phones = await Promise.all(Array.from({ length: PHONES }, () => connect(first, { token })));
  for (const phone of phones) await phone.join(CHANNEL);
  const java = await javaClient(first, { token });
  java.say(`private ${CHANNEL}`);
  await java.hears('subscribed', CHANNEL);

  progress(`no instance for ${seconds} s`);
  await first.kill();
  await sleep(seconds * 1_000);
  const second = await startPusher({ ...given, dataDir: first.dataDir });
  const waits = await Promise.all([
    ...phones.map((phone) => backAfter(() => isBack(phone))),
    backAfter(() => java.heard.filter(([, state]) => state === 'CONNECTED').length > 1),
  ]);
  const ofJava = waits.at(-1) ?? Number.POSITIVE_INFINITY;
  const ofPhones = waits.slice(0, -1);
  await backend(second).trigger(CHANNEL, 'call_ended', { callId: 'c' });
  const told = () =>
    phones.filter((phone) => phone.events(CHANNEL).length > 0).length +
    (java.events(CHANNEL).length > 0 ? 1 : 0);
  await until(() => told() === waits.length, 'everybody is told');
  report('gateway-gap', { seconds, phones: PHONES }, [
    { what: 'pusher-js: back, p50', value: percentile(ofPhones, 50), unit: 'ms' },
    {
      what: 'pusher-js: back, the last',
      value: percentile(ofPhones, 100),
      unit: 'ms',
      bar: '15000',
    },
    { what: 'pusher-js: failed', value: count(phones, 'failed'), unit: '', bar: '0' },
    { what: 'Java: back', value: ofJava, unit: 'ms' },
    { what: 'Java: given up', value: gaveUp(java.heard), unit: '', bar: '0' },
    { what: 'told of the next event', value: told(), unit: '', bar: String(PHONES + 1) },
  ]);
  for (const { client } of phones) client.disconnect();
  java.stop();
  await second.stop();
  front.kill('SIGTERM');
}

async function backAfter(back: () => boolean): Promise<number> {
  const began = performance.now();
  while (!back()) {
    if (performance.now() - began > BACK_WITHIN_MS) return Number.POSITIVE_INFINITY;
    await sleep(LOOK_MS);
  }
  return performance.now() - began;
}

function isBack({ client }: Connected): boolean {
  return client.connection.state === 'connected' && client.channel(CHANNEL)?.subscribed === true;
}

function count(phones: readonly Connected[], state: string): number {
  return phones.filter(({ states }) => states.includes(state)).length;
}

function gaveUp(heard: readonly (readonly string[])[]): number {
  return heard.some(([, state]) => state === 'DISCONNECTED') ? 1 : 0;
}
