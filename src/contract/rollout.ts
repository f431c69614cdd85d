/** How members move from Pusher to the gateway: docs/sdk.md, "Moving from Pusher". */

/** Two flags: events of twins, and the five events of a video visit. */
export const ROLLOUT_FLAGS = {
  events: 'use-websocket-gateway',
  videoVisits: 'use-websocket-for-video-visits',
} as const;

export type RolloutFlag = (typeof ROLLOUT_FLAGS)[keyof typeof ROLLOUT_FLAGS];
export const ROLLOUT_FLAG_NAMES = Object.values(ROLLOUT_FLAGS);

/** Percent of members. Each step has a gate of its own (`digital-twin pusher status`). */
export const ROLLOUT_STEPS = ['0', '1', '5', '10', '25', '50', '75', '100'] as const;
export type RolloutStep = (typeof ROLLOUT_STEPS)[number];

/** Which of the two a member is told to use. */
export type RealtimePath = 'pusher' | 'websocket';

/** `GET /v1/realtime/info?member=`: what an app needs to connect, either way. */
export interface RealtimeInfo {
  readonly pusher: {
    readonly appKey: string;
    readonly presenceChannelName: string;
    /** Where a channel is authorized, absolute. */
    readonly authURL: string;
    readonly host: string;
    readonly port: number;
  };
  readonly websocket: {
    readonly url: string;
    readonly topics: readonly string[];
    readonly authURL: string;
    readonly protocolVersion: number;
  };
  readonly use: RealtimePath;
  /** The same for the events of video visits, which have a flag of their own. */
  readonly useForVideoVisits: RealtimePath;
}
