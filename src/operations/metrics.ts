import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What is measured. Labels hold closed words only: routes, statuses, outcomes, never an id. */
export interface Metrics {
  served(route: string, status: number, seconds: number): void;
  notified(receivers: number): void;
  /** Sampled whenever the metrics are asked for. */
  sample(name: GaugeName, read: () => number): void;
  text(): Promise<string>;
}

export type GaugeName = 'open_streams' | 'open_sessions' | 'view_lag_records';

const GAUGES: Readonly<Record<GaugeName, string>> = {
  open_streams: 'Open subscriptions/listen streams and session subscriptions',
  open_sessions: 'Open 2025-era sessions',
  view_lag_records: 'Records of the log that the view has not applied yet',
};

/** Seconds; a read takes a few milliseconds, a bundle up to some seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Histogram({
    name: 'digital_twin_http_request_seconds',
    help: 'HTTP exchanges by route and status; streams count when they end',
    labelNames: ['route', 'status'],
    buckets: BUCKETS,
    registers,
  });
  const notifications = new Counter({
    name: 'digital_twin_notifications_total',
    help: 'Updates handed to subscribers',
    registers,
  });
  return {
    served: (route, status, seconds) => requests.observe({ route, status }, seconds),
    notified: (receivers) => notifications.inc(receivers),
    sample(name, read) {
      new Gauge({
        name: `digital_twin_${name}`,
        help: GAUGES[name],
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    text: () => registry.metrics(),
  };
}
