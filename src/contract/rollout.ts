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

/** What one device that listens both ways has seen (`digital-twin pusher compare`). */
export interface ComparisonReport {
  /** ISO 8601 */
  readonly from: string;
  readonly to: string;
  /** Events that came both ways. */
  readonly both: number;
  readonly onlyGateway: number;
  readonly onlyPusher: number;
  /** Told more than once, by either way. */
  readonly repeated: { readonly gateway: number; readonly pusher: number };
  /** From the event's own time to its receipt, milliseconds; absent where nothing came. */
  readonly latencyMs: {
    readonly gateway?: Percentiles;
    readonly pusher?: Percentiles;
  };
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export interface RolloutDay {
  /** In UTC, `2026-11-30`. */
  readonly day: string;
  /** Different members that were told to use either, in answers to `/v1/realtime/info`. */
  readonly told: Readonly<Record<RealtimePath, number>>;
  /** Different members whose channels had a subscriber at the former Pusher. */
  readonly formerMembers: number;
  /** Other channels of customers there, counted by their prefix (`private`, `presence`, …). */
  readonly formerChannels: Readonly<Record<string, number>>;
  /** Events that went there, by their name at Pusher. */
  readonly bridged: Readonly<Record<string, number>>;
  /** Events that did not arrive there, by reason. */
  readonly failed: Readonly<Record<string, number>>;
}

export interface GateCheck {
  readonly name: string;
  readonly passed: boolean;
  readonly says: string;
}

/** Whether a flag may go on to its next step. It opens nothing by itself: a person does. */
export interface RolloutGate {
  readonly flag: RolloutFlag;
  readonly from: number;
  /** `off`: the former Pusher may be switched off. */
  readonly to: number | 'off';
  readonly open: boolean;
  readonly checks: readonly GateCheck[];
}

export interface RolloutStatus {
  /** `undefined`: `PUSHER_BRIDGE_URL` is not set. */
  readonly former?: { readonly host: string; readonly port: number; readonly appKey: string };
  readonly flags: readonly {
    readonly flag: RolloutFlag;
    readonly percent: number;
    /** ISO 8601: since when it is at this step; absent where it never was at another. */
    readonly since?: string;
  }[];
  /** Newest first, at most thirty. */
  readonly days: readonly RolloutDay[];
  /** Of the newest day: some of the members that are still there. */
  readonly members: readonly string[];
  readonly comparisons: readonly ComparisonReport[];
  readonly gates: readonly RolloutGate[];
}
