import { Cluster, Redis } from 'ioredis';
import type { Service } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';

/** As `REDIS_URL` and `REDIS_PREFIX` say. */
export interface RedisSettings {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly master?: string;
  readonly prefix: string;
}

export interface RedisOptionsOfOurs {
  readonly settings: RedisSettings;
  /** Told once an outage, not once a try. */
  readonly report: (error: unknown) => void;
  /** What is so meanwhile, for the log. */
  readonly lost?: string;
  /** One call; then it counts as failed. Default `LIMITS.redisTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** One connection (or one a node), with every call bounded and none queued while it is away. */
export interface RedisConnection extends Service {
  readonly client: Redis | Cluster;
  readonly prefix: string;
  readonly ready: boolean;
  /** After each connection that was made anew: another server may stand there, or older data. */
  onReconnected(listener: () => void): void;
}

const CONNECT_TIMEOUT_MS = 2_000;
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;
const LOOPBACK = { host: '127.0.0.1', port: 6379 };

export function connectRedis({
  settings,
  report,
  lost = 'floors are local',
  timeoutMs = LIMITS.redisTimeoutMs,
}: RedisOptionsOfOurs): RedisConnection {
  const client = clientOf(settings, timeoutMs);
  const listeners: (() => void)[] = [];
  let wasReady = false;
  let stopped = false;
  let told = false;
  const away = (cause?: unknown): void => {
    if (!told && !stopped) report(new Error(`Redis is away: ${lost}`, { cause }));
    told = true;
  };
  client.on('error', away);
  client.on('close', () => away());
  client.on('ready', () => {
    told = false;
    if (wasReady) for (const listener of listeners) listener();
    wasReady = true;
  });
  return {
    name: 'redis',
    client,
    prefix: settings.prefix,
    get ready() {
      return client.status === 'ready';
    },
    onReconnected: (listener) => void listeners.push(listener),
    async start() {
      // One that is away does not keep the server from starting: reads then wait for the log's end.
      await client.connect().catch(() => undefined);
    },
    stop() {
      stopped = true;
      client.disconnect();
      return Promise.resolve();
    },
  };
}

function clientOf(settings: RedisSettings, timeoutMs: number): Redis | Cluster {
  const { kind, nodes, master = '', db } = settings;
  const [{ host, port } = LOOPBACK] = nodes;
  if (kind === 'cluster') {
    return new Cluster([...nodes], {
      lazyConnect: true,
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      clusterRetryStrategy: retryAfterMs,
      redisOptions: common(settings, timeoutMs),
    });
  }
  const options = {
    ...{ ...common(settings, timeoutMs), lazyConnect: true, enableOfflineQueue: false, db },
    retryStrategy: retryAfterMs,
  };
  if (kind === 'single') return new Redis({ ...options, host, port });
  const { username, password, tls } = settings;
  return new Redis({
    ...{ ...options, sentinels: [...nodes], name: master },
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    sentinelRetryStrategy: retryAfterMs,
  });
}

function common({ username, password, tls, nodes }: RedisSettings, timeoutMs: number) {
  const servername = nodes[0]?.host ?? '';
  return {
    commandTimeout: timeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: true,
    // A replica that was the master until now: find the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: { servername } }),
  };
}

function retryAfterMs(times: number): number {
  const delayMs = Math.min(RETRY_MIN_MS * 2 ** Math.min(times, 10), RETRY_MAX_MS);
  return delayMs * (0.5 + Math.random() / 2);
}
