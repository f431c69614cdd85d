import type { Clock } from '../../../kernel/clock.ts';
import type { Access, Audit } from '../../../twin/ports.ts';
import type { GatewayMetrics } from '../../metrics.ts';
import type { Admission, ChannelLog, Hub, Presence, Registry, Rights } from '../../ports.ts';
import type { PusherApp, PusherApps } from './apps.ts';
import type { Grants } from './grants.ts';
import type { ResumeStore } from './resume.ts';

/** What the Pusher face stands on. */
export interface PusherParts {
  readonly apps: PusherApps;
  readonly grants: Grants;
  readonly hub: Pick<Hub, 'subscribe' | 'unsubscribe' | 'publish'>;
  readonly log: Pick<ChannelLog, 'read' | 'tops' | 'onEntry'>;
  readonly presence: Presence;
  readonly registry: Registry;
  readonly rights: Pick<Rights, 'readable'>;
  readonly admission: Admission;
  readonly resume: ResumeStore;
  /** By which keys in the shared store tell nobody of whom they are. */
  readonly secret: Uint8Array;
  readonly access: Pick<Access, 'onChange'>;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly report: (error: unknown) => void;
  readonly webhooks: WebhookSink;
}

/** Events of Pusher's webhooks (realtime.md §2.8), as an app's servers receive them. */
export type WebhookEvent =
  | {
      readonly name: 'channel_occupied' | 'channel_vacated' | 'cache_miss';
      readonly channel: string;
    }
  | {
      readonly name: 'member_added' | 'member_removed';
      readonly channel: string;
      readonly user_id: string;
    }
  | {
      readonly name: 'client_event';
      readonly channel: string;
      readonly event: string;
      readonly data: string;
      readonly socket_id: string;
      readonly user_id?: string;
    }
  | {
      readonly name: 'subscription_count';
      readonly channel: string;
      readonly subscription_count: number;
    };

export interface WebhookSink {
  /** Never waits and never throws; what cannot be delivered within its time is counted and left. */
  tell(app: PusherApp, event: WebhookEvent): void;
}
