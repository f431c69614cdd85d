import type { AppKeys } from './signatures.ts';

/** A Pusher app: a tenant's own name space of channels, with the keys by which its servers sign. */
export interface PusherApp extends AppKeys {
  /** In the paths of the HTTP API. */
  readonly id: string;
  /** Whose it is; nothing of another tenant is ever told on it. */
  readonly tenant: string;
  /** `https:` URLs, told of what happens on its channels. */
  readonly webhooks: readonly string[];
  /** Whether clients are told how many subscribe (`pusher_internal:subscription_count`). */
  readonly subscriptionCount: boolean;
}

export interface PusherApps {
  byKey(key: string): PusherApp | undefined;
  byId(id: string): PusherApp | undefined;
  /** The first of a tenant's, or the one of this key if it is the tenant's. */
  ofTenant(tenant: string, key?: string): PusherApp | undefined;
  readonly all: readonly PusherApp[];
}

export function createApps(all: readonly PusherApp[]): PusherApps {
  const byKey = new Map(all.map((app) => [app.key, app]));
  const byId = new Map(all.map((app) => [app.id, app]));
  return {
    all,
    byKey: (key) => byKey.get(key),
    byId: (id) => byId.get(id),
    ofTenant: (tenant, key) =>
      all.find((app) => app.tenant === tenant && (key === undefined || app.key === key)),
  };
}
