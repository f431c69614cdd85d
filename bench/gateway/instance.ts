/**
 * One process of the gateway on its own, on Redis: tokens are verified, streams, presence and the
 * registry are real, rights are granted by a stub (a member is read by who has the member's name,
 * `all` by everybody) and the audit goes nowhere. Says each second how often it asked for what.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { jwtVerify } from 'jose';
import { REDIS_PREFIX, redisUrl } from '../../src/config/redis.ts';
import { createGateway, createRedisLink, type RedisLink } from '../../src/gateway/index.ts';
import { NOT_COUNTED } from '../../src/gateway/metrics.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Fault } from '../../src/kernel/errors.ts';
import { LIMITS } from '../../src/kernel/limits.ts';
import { connectRedis } from '../../src/operations/redis.ts';
import type { Principal, View } from '../../src/twin/ports.ts';
import { createPositionCodec } from '../../src/twin/position.ts';
import type { Reader } from '../../src/twin/reader/index.ts';
import type { InstanceOptions, InstanceSays, Published } from './instances.ts';

const SCOPES = new Set(['twin:read', 'twin:subscribe']);
const { port, redisUrl: url, secret } = JSON.parse(process.argv[2] ?? '{}') as InstanceOptions;
const key = Buffer.from(secret);
const counts = { tokens: 0, redis: 0 };
const report = (error: unknown): void => {
  process.stderr.write(`instance: ${error instanceof Error ? error.message : String(error)}\n`);
};
const settings = { ...redisUrl(url), prefix: REDIS_PREFIX };
const timeoutMs = LIMITS.gatewayRedisTimeoutMs;
const [commands, listening] = [
  connectRedis({ settings, report, timeoutMs }),
  connectRedis({ settings, report, timeoutMs }),
];

const gateway = createGateway({
  redis: counted(createRedisLink(commands, listening, report)),
  ...{ reader: stubReader() as Reader, view: { epoch: 'abcdefgh', partitions: 0 } as View },
  ...{ bus: undefined, report, metrics: NOT_COUNTED, clock: systemClock, readWaitMs: 100 },
  access: { onChange: () => () => undefined },
  audit: { append: async () => undefined },
  floors: { raise: async () => undefined },
  positions: createPositionCodec(new Uint8Array(32)),
});
const server = createServer((req, res) => void published(req, res));
await commands.start();
await listening.start();
gateway.open(authenticate);
for (const service of gateway.services) await service.start();
server.on('upgrade', (...given) => gateway.upgrade(...given));
server.listen({ host: '127.0.0.1', port, backlog: 4_096, reusePort: true }, () =>
  say({ ready: true }),
);
let saidAt = performance.now();
setInterval(() => {
  const seconds = (performance.now() - saidAt) / 1_000;
  saidAt = performance.now();
  say({ second: { tokens: counts.tokens / seconds, redis: counts.redis / seconds } });
  Object.assign(counts, { tokens: 0, redis: 0 });
}, 1_000).unref();
process.once('SIGTERM', () => void ended());
// Whoever measures is gone.
process.once('disconnect', () => process.exit(0));

function say(what: InstanceSays): void {
  if (process.connected) process.send?.(what);
}

async function ended(): Promise<void> {
  server.close();
  await gateway.drain();
  for (const service of gateway.services.toReversed()) await service.stop();
  process.exit(0);
}

async function authenticate(token: string): Promise<Principal> {
  counts.tokens += 1;
  try {
    const { payload } = await jwtVerify(token, key);
    const { sub = '', exp = 0 } = payload;
    return {
      ...{ kind: 'user', subject: sub, tenant: 'demo', clientId: 'bench', issuer: 'bench' },
      ...{ tokenId: `of-${sub}`, scopes: SCOPES, expiresAtMs: exp * 1_000 },
    } as Principal;
  } catch (cause) {
    throw new Fault('UNAUTHENTICATED', { cause });
  }
}

function counted(link: RedisLink): RedisLink {
  const count = <T>(work: Promise<T>): Promise<T> => {
    counts.redis += 1;
    return work;
  };
  return {
    prefix: link.prefix,
    get ready() {
      return link.ready;
    },
    run: (...given) => count(link.run(...given)),
    publish: (...given) => count(link.publish(...given)),
    listen: (...given) => link.listen(...given),
    onReconnected: (listener) => link.onReconnected(listener),
  };
}

function stubReader() {
  const isOf = ({ subject }: Principal, uri: string): boolean =>
    uri.startsWith(`mcp://twins/member/${subject}/`) || uri.startsWith('mcp://twins/member/all/');
  return {
    readable: async (principal: Principal, uris: readonly string[]) =>
      uris.map((uri) => isOf(principal, uri)),
    variants: async (principal: Principal, uris: readonly string[]) =>
      uris.map((uri) => (isOf(principal, uri) ? 'general' : null)),
    ownMembers: async ({ principal }: { readonly principal: Principal }) => [principal.subject],
    recentChanges: () => [],
    feedAfter: () => 'mcp://twins/changes/start',
    read: async () => {
      throw new Fault('NOT_FOUND');
    },
  } as Pick<Reader, 'variants' | 'ownMembers' | 'recentChanges' | 'feedAfter' | 'read'>;
}

/** As a peer takes it: `{channel, data, idempotency_key}`; answers once the log has it. */
async function published(req: IncomingMessage, res: ServerResponse): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const said = JSON.parse(Buffer.concat(chunks).toString()) as Published;
    const { channel: member, data, idempotency_key: id } = said;
    await gateway.hub.publish(
      `member:${member}`,
      {
        ...{ id, type: 'call.ready', topic: 'call-notifications', tenant: 'demo', member, data },
        ...{ needs: `mcp://twins/member/${member}/care`, time: new Date().toISOString() },
      },
      [id],
    );
    res.setHeader('content-type', 'application/json').end('{"result":{}}');
  } catch (error) {
    report(error);
    res.writeHead(503).end();
  }
}
