/**
 * Real parts for `*.full.test.ts`. Each call starts one of its own, which a test may break and must
 * stop; whatever it forgets ends with its process. `sharedKafka` is for those that break nothing.
 */

import { randomUUID } from 'node:crypto';
import { cacheDirectory, type Say } from '../../tools/parts/cache.ts';
import { type KafkaPart, startKafka } from '../../tools/parts/kafka.ts';
import type { KafkaOptions } from '../../tools/parts/kafka-settings.ts';
import { bringKcat } from '../../tools/parts/kcat.ts';
import { execute } from '../../tools/parts/programs.ts';
import { type RedisOptions, type RedisPart, startRedis } from '../../tools/parts/redis.ts';
import { type SpicedbOptions, type SpicedbPart, startSpicedb } from '../../tools/parts/spicedb.ts';
import { proxy, type TcpProxy } from './proxy.ts';

export type { KafkaOptions, KafkaPart, RedisOptions, RedisPart, SpicedbOptions, SpicedbPart };

const say: Say = (text) => process.stderr.write(`# ${text} (kept in ${cacheDirectory()})\n`);

export function kafka(options: KafkaOptions = {}): Promise<KafkaPart> {
  return startKafka(options, say);
}

export interface ProxiedKafka extends KafkaPart {
  /** Clients that are given `proxies[i].address` as their broker stay behind that proxy. */
  readonly proxies: readonly TcpProxy[];
}

/** A broker with so many ways to it, each of which can be broken by itself. */
export async function proxiedKafka(
  count: number,
  options: KafkaOptions = {},
): Promise<ProxiedKafka> {
  const proxies = await Promise.all(Array.from({ length: count }, () => proxy()));
  const broker = await startKafka({ ...options, advertised: proxies.map(({ port }) => port) }, say);
  for (const [index, { forward }] of proxies.entries()) {
    forward(`127.0.0.1:${broker.behind[index]}`);
  }
  const stop = broker.stop;
  return Object.assign(broker, {
    proxies,
    async stop() {
      await Promise.all(proxies.map((each) => each.stop()));
      await stop();
    },
  });
}

export function spicedb(options: SpicedbOptions = {}): Promise<SpicedbPart> {
  return startSpicedb(options, say);
}

export function redis(options: RedisOptions = {}): Promise<RedisPart> {
  return startRedis(options, say);
}

/** Runs kcat to its end, with `input` on its stdin, and answers what it printed. */
export async function kcat(args: readonly string[], input?: string | Buffer): Promise<string> {
  await bringKcat(say);
  return await execute('kcat', args, input === undefined ? {} : { input });
}

/** Where the run's own broker is, when `tools/test.ts` has started one for all files. */
export const SHARED_KAFKA = 'DIGITAL_TWIN_TEST_KAFKA';

export interface SharedKafka {
  /** `host:port` */
  readonly address: string;
  /** Of every topic, group and transactional id of this caller: nobody else has it. */
  readonly prefix: string;
  readonly env: Readonly<Record<string, string>>;
}

let own: Promise<KafkaPart> | undefined;

function ownKafka(): Promise<KafkaPart> {
  own ??= kafka();
  return own;
}

/**
 * The broker of the whole run; where a file runs alone, one that ends with its process. Do not
 * stop, pause or fill it. Every call answers another prefix.
 */
export async function sharedKafka(): Promise<SharedKafka> {
  const address = process.env[SHARED_KAFKA] ?? (await ownKafka()).address;
  const prefix = `t${randomUUID().slice(0, 8)}.`;
  return {
    address,
    prefix,
    env: { KAFKA_BROKERS: address, KAFKA_TOPIC_PREFIX: prefix, KAFKA_GROUP_PREFIX: prefix },
  };
}
