import { createHash } from 'node:crypto';

/** What the gateway needs of Redis; `operations` has the connection, wiring hands it over. */
export interface RedisLink {
  readonly prefix: string;
  readonly ready: boolean;
  /** A script in one step, by its hash. @throws whatever keeps Redis from it */
  run(
    script: string,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown>;
  /** Messages of a channel, also after the connection was made anew; some may be missing. */
  listen(channel: string, heard: (message: string) => void): () => void;
  publish(channel: string, message: string): Promise<void>;
  /** After each connection that was made anew. */
  onReconnected(listener: () => void): void;
}

/** The part of ioredis that is used, of one server and of a cluster alike. */
interface Commands {
  evalsha(hash: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
  eval(script: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
  publish(channel: string, message: string): Promise<number>;
}

interface Listening {
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  on(event: 'ready', listener: () => void): unknown;
}

export interface LinkedRedis<Client> {
  readonly client: Client;
  readonly prefix: string;
  readonly ready: boolean;
  onReconnected(listener: () => void): void;
}

/**
 * @param commands for scripts
 * @param listening another connection of its own, for messages
 */
export function createRedisLink(
  commands: LinkedRedis<Commands>,
  listening: LinkedRedis<Listening>,
  report: (error: unknown) => void,
): RedisLink {
  const channels = new Map<string, Set<(message: string) => void>>();
  const hashes = new Map<string, string>();
  const subscribe = (channel: string): void => {
    if (listening.ready) listening.client.subscribe(channel).catch(report);
  };
  listening.client.on('message', (channel, message) => {
    for (const heard of channels.get(channel) ?? []) heard(message);
  });
  // Also the first time: Redis may have been away when the process started.
  listening.client.on('ready', () => {
    for (const channel of channels.keys()) subscribe(channel);
  });
  const hashOf = (script: string): string => {
    const known = hashes.get(script) ?? createHash('sha1').update(script).digest('hex');
    hashes.set(script, known);
    return known;
  };
  return {
    prefix: commands.prefix,
    get ready() {
      return commands.ready && listening.ready;
    },
    async run(script, keys, args) {
      const { client } = commands;
      try {
        return await client.evalsha(hashOf(script), keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return await client.eval(script, keys.length, ...keys, ...args);
      }
    },
    listen(channel, heard) {
      const listeners = channels.get(channel) ?? new Set();
      channels.set(channel, listeners.add(heard));
      if (listeners.size === 1) subscribe(channel);
      return () => {
        listeners.delete(heard);
        if (listeners.size > 0) return;
        channels.delete(channel);
        if (listening.ready) listening.client.unsubscribe(channel).catch(report);
      };
    },
    async publish(channel, message) {
      await commands.client.publish(channel, message);
    },
    onReconnected: (listener) => {
      commands.onReconnected(listener);
      listening.onReconnected(listener);
    },
  };
}
