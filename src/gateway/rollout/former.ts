import Pusher from 'pusher';

/** Where the former Pusher is, and as whom we publish there. */
export interface FormerSettings {
  readonly appId: string;
  readonly key: string;
  readonly secret: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** Pusher, as the members know it who have not moved yet. */
export interface FormerPusher {
  /** @throws RefusedByPusher */
  publish(channels: readonly string[], name: string, data: string): Promise<void>;
  /** Channels with a subscriber. @throws RefusedByPusher */
  channels(): Promise<string[]>;
}

/** Without what Pusher said: its addresses are signed, and it repeats what it was sent. */
export class RefusedByPusher extends Error {
  /** HTTP status; `undefined`: no answer at all. */
  readonly status: number | undefined;

  constructor(status: number | undefined) {
    super(`Pusher answers ${status ?? 'nothing'}`);
    this.name = 'RefusedByPusher';
    this.status = status;
  }
}

const TIMEOUT_MS = 5_000;
const CHANNELS_MAX = 1_000_000;

/** By the HTTP API, with Pusher's own library, which signs each request (realtime.md §2.8). */
export function createFormer({ host, port, tls, ...app }: FormerSettings): FormerPusher {
  const client = new Pusher({
    ...app,
    ...{ host, port: String(port), useTLS: tls, timeout: TIMEOUT_MS },
  });
  return {
    async publish(channels, name, data) {
      await client.trigger([...channels], name, data).catch(withoutDetails);
    },
    async channels() {
      const answer = await client.get({ path: '/channels' }).catch(withoutDetails);
      const body: unknown = await answer.json().catch(withoutDetails);
      const { channels } = (body ?? {}) as { channels?: unknown };
      if (typeof channels !== 'object' || channels === null) throw new RefusedByPusher(undefined);
      return Object.keys(channels).slice(0, CHANNELS_MAX);
    },
  };
}

function withoutDetails(error: unknown): never {
  const { status } = (error ?? {}) as { status?: unknown };
  throw new RefusedByPusher(typeof status === 'number' ? status : undefined);
}

/** Where clients connect: Pusher's clusters have another host for sockets than for the API. */
export function placeOfClients({ host, port, key }: FormerSettings): {
  readonly appKey: string;
  readonly host: string;
  readonly port: number;
} {
  const cluster = /^api-([a-z0-9]+)\.pusher\.com$/.exec(host)?.[1];
  if (host === 'api.pusherapp.com') return { appKey: key, host: 'ws.pusherapp.com', port };
  return { appKey: key, host: cluster === undefined ? host : `ws-${cluster}.pusher.com`, port };
}
