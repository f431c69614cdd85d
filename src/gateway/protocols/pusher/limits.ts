/** Bounds of the Pusher protocol (realtime.md §2.2–2.4, §2.8), and our own where it names none. */
export const PUSHER_LIMITS = {
  /** Characters of a channel name, its prefix included. */
  channelCharsMax: 164,
  eventCharsMax: 200,
  /** `data` of one event, in bytes of UTF-8. */
  payloadBytesMax: 10 * 1024,
  /** One frame from a client: an event with its envelope, or an authorization. */
  frameBytesMax: 32 * 1024,
  /** How deep a frame may nest. */
  frameDepthMax: 64,
  /** Channels of one connection. */
  channelsPerConnectionMax: 100,
  clientEventsPerSecond: 10,
  /** All frames of one connection: an SDK that comes again says one a channel, and few more. */
  framesPerSecond: 300,
  /** Users of a presence channel, and what stands of each. */
  presenceMembersMax: 100,
  userInfoBytesMax: 1024,
  userIdCharsMax: 128,
  /** Channels of one publish, events of one batch. */
  publishChannelsMax: 100,
  batchEventsMax: 10,
  /** How far a signed request's time may be off. */
  timestampSkewSeconds: 600,
  /** A cache channel's last event. */
  cacheTtlMs: 30 * 60_000,
  /** No byte for this long: the client is asked; and then how long it may be silent. */
  activityTimeoutSeconds: 30,
  pongTimeoutMs: 30_000,
  /** pusher-js comes back at once from 4200, so a connection younger than this is never told so. */
  reconnectAfterMs: 1_000,
} as const;
