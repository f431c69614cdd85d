import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Reason } from './event.ts';
import type { Outcome } from './processing.ts';

/** What a consumer counts. Labels are topics, groups and codes of ours, never an id. */
export interface ConsumerMetrics {
  ended(topic: string, outcome: Outcome, sinceWrittenMs: number): void;
  retried(topic: string): void;
  deadLetter(topic: string, reason: Reason): void;
  inFlight(records: number): void;
  rebalanced(): void;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Several consumers may count in one registry. */
export function createConsumerMetrics(registry: Registry, group: string): ConsumerMetrics {
  const registers = [registry];
  const once = <M>(name: string, make: () => M): M =>
    (registry.getSingleMetric(name) as M | undefined) ?? make();
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    once(name, () => new Counter({ name, help, labelNames, registers }));
  const events = counter('digital_twin_consumer_events_total', 'Events by what became of them.', [
    'group',
    'topic',
    'outcome',
  ]);
  const retries = counter('digital_twin_consumer_retries_total', 'Tries after a failed one.', [
    'group',
    'topic',
  ]);
  const letters = counter('digital_twin_consumer_dead_letters_total', 'Dead letters by reason.', [
    'group',
    'topic',
    'reason',
  ]);
  const rebalances = counter('digital_twin_consumer_rebalances_total', 'Partitions taken away.', [
    'group',
  ]);
  const inFlightName = 'digital_twin_consumer_in_flight';
  const inFlight = once(inFlightName, () => {
    const help = 'Records that were read and have not ended.';
    return new Gauge({ name: inFlightName, help, labelNames: ['group'] as const, registers });
  });
  const delayName = 'digital_twin_consumer_delay_seconds';
  const delay = once(delayName, () => {
    const help = 'From the writing of an event until it ended here.';
    const labelNames = ['group', 'topic'] as const;
    return new Histogram({ name: delayName, help, labelNames, buckets: SECONDS, registers });
  });
  return {
    ended(topic, outcome, sinceWrittenMs) {
      events.inc({ group, topic, outcome });
      delay.observe({ group, topic }, Math.max(0, sinceWrittenMs) / 1000);
    },
    retried: (topic) => retries.inc({ group, topic }),
    deadLetter: (topic, reason) => letters.inc({ group, topic, reason }),
    inFlight: (records) => inFlight.set({ group }, records),
    rebalanced: () => rebalances.inc({ group }),
  };
}
