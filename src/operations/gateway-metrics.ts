import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { EVENTS } from '../contract/events/catalog.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BYTES = [128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536];
const FACES = ['own', 'pusher'];
const REASONS = ['recovered', 'epoch_changed', 'trimmed', 'too_many'];
const DROPS = [
  'slow_consumer',
  'conflated',
  'expired',
  'superseded',
  'not_readable',
  'unverifiable',
  'too_large',
];
const TYPES = new Set(EVENTS.map(({ type }) => type));
const OTHER = 'other';

/** Of the gateway, by the names that the field expects. Labels are of closed lists (P9). */
export function createGatewayMetrics(registers: Registry[]) {
  const active = new Gauge({
    name: 'websocket_connections_active',
    help: 'Open WebSocket connections, of all protocols.',
    registers,
  });
  const opened = new Counter({
    name: 'websocket_connections_total',
    help: 'WebSocket connections that were opened, by protocol.',
    labelNames: ['protocol'],
    registers,
  });
  const reconnects = new Counter({
    name: 'websocket_reconnects_total',
    help: 'Streams subscribed to with a place to go on from, by what became of it.',
    labelNames: ['reason'],
    registers,
  });
  const dropped = new Counter({
    name: 'websocket_events_dropped_total',
    help: 'Events that were not handed to a subscriber, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const authFailures = new Counter({
    name: 'websocket_auth_failures_total',
    help: 'Tokens and signatures that were refused.',
    registers,
  });
  const lag = new Gauge({
    name: 'websocket_kafka_lag_messages',
    help: 'Events of the topics that the channel log does not have yet.',
    registers,
  });
  return {
    opened(face: string, now: number) {
      active.set(now);
      opened.inc({ protocol: FACES.includes(face) ? face : OTHER });
    },
    closed: (_face: string, now: number) => active.set(now),
    reconnected: (reason: string) =>
      reconnects.inc({ reason: REASONS.includes(reason) ? reason : OTHER }),
    dropped: (reason: string) => dropped.inc({ reason: DROPS.includes(reason) ? reason : OTHER }),
    authFailure: () => authFailures.inc(),
    kafkaLag: (messages: number) => lag.set(messages),
    ...deliveryMetrics(registers),
  };
}

export type GatewayMetrics = ReturnType<typeof createGatewayMetrics>;

function deliveryMetrics(registers: Registry[]) {
  const pushed = new Counter({
    name: 'websocket_events_pushed_total',
    help: 'Events handed to sockets, by type.',
    labelNames: ['event_type'],
    registers,
  });
  const duration = new Histogram({
    name: 'websocket_event_delivery_duration_seconds',
    help: 'From when an event happened until it was handed to a connection.',
    buckets: SECONDS,
    registers,
  });
  const acked = new Histogram({
    name: 'websocket_event_ack_duration_seconds',
    help: 'From when an event stood in its stream until its client said that it was handled.',
    buckets: SECONDS,
    registers,
  });
  const size = new Histogram({
    name: 'websocket_message_size_bytes',
    help: 'Messages handed to sockets.',
    buckets: BYTES,
    registers,
  });
  return {
    sent(bytes: number, eventType: string | undefined) {
      size.observe(bytes);
      if (eventType === undefined) return;
      pushed.inc({ event_type: TYPES.has(eventType) ? eventType : OTHER });
    },
    delivered: (seconds: number) => duration.observe(Math.max(0, seconds)),
    acked: (seconds: number) => acked.observe(seconds),
  };
}
