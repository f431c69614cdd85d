/** The Pusher face of the gateway: protocol, HTTP API, webhooks and authorization endpoints. */

import type { Clock } from '../../../kernel/clock.ts';
import type { Service } from '../../../kernel/lifecycle.ts';
import type { Access, Audit } from '../../../twin/ports.ts';
import type { Secrets } from '../../../twin/sealing.ts';
import type { GatewayCore } from '../../index.ts';
import type { GatewayMetrics } from '../../metrics.ts';
import type { RedisLink } from '../../redis-link.ts';
import { createApps, type PusherApp } from './apps.ts';
import { type AuthDesk, createAuthDesk } from './desk.ts';
import { PusherFace } from './face.ts';
import { createGrants } from './grants.ts';
import { type ApiParts, createApi, type PusherApi } from './http/api.ts';
import { MemoryResume, RedisResume } from './resume.ts';
import { postWebhook } from './webhooks/post.ts';
import { WebhookSender } from './webhooks/sender.ts';

export type { PusherApp } from './apps.ts';
export type { SaidOfCall } from './http/api.ts';

export interface PusherOptions extends Pick<ApiParts, 'rate' | 'sayOfCall'> {
  readonly apps: readonly PusherApp[];
  /** `undefined`: places of devices are known to this process alone. */
  readonly redis: RedisLink | undefined;
  /** Of grants. */
  readonly secrets: Secrets;
  /** The same on all instances, for good: by it keys in the shared store tell nobody of whom. */
  readonly secret: Uint8Array;
  readonly access: Pick<Access, 'onChange'>;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly report: (error: unknown) => void;
}

export interface Pusher {
  readonly face: PusherFace;
  readonly api: PusherApi;
  readonly auth: AuthDesk;
  /** Besides the face. */
  readonly services: readonly Service[];
}

export function createPusher(core: GatewayCore, options: PusherOptions): Pusher {
  const { redis, clock, secrets, report } = options;
  const apps = createApps(options.apps);
  const grants = createGrants(secrets);
  const resume = redis === undefined ? new MemoryResume(clock) : new RedisResume(redis, clock);
  const webhooks = new WebhookSender({ post: postWebhook, clock, report });
  const parts = { ...options, ...core, apps, grants, resume, webhooks };
  return {
    face: new PusherFace(parts),
    api: createApi(parts),
    auth: createAuthDesk(parts),
    services: [webhooks],
  };
}
