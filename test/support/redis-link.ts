import { redisUrl } from '../../src/config/redis.ts';
import { createRedisLink, type RedisLink } from '../../src/gateway/redis-link.ts';
import { connectRedis, type RedisConnection } from '../../src/operations/redis.ts';

export interface TestLink {
  readonly link: RedisLink;
  readonly commands: RedisConnection;
  stop(): Promise<void>;
}

/** The gateway's two connections, as the server makes them; each may have a way of its own. */
export async function redisLink(
  prefix: string,
  address: string,
  listenAt = address,
): Promise<TestLink> {
  const report = (): void => undefined;
  const of = (at: string) =>
    connectRedis({ settings: { ...redisUrl(`redis://${at}`), prefix }, report });
  const [commands, listening] = [of(address), of(listenAt)];
  const link = createRedisLink(commands, listening, report);
  await commands.start();
  await listening.start();
  return {
    link,
    commands,
    async stop() {
      await commands.stop();
      await listening.stop();
    },
  };
}
