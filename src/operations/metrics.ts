import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { createEligibilityMetrics, type EligibilityMetrics } from './eligibility-metrics.ts';
import { createGatewayMetrics, type GatewayMetrics } from './gateway-metrics.ts';

/** What is counted. Labels come from closed lists of ours and hold no id (P9). */
export interface Metrics {
  /** Prometheus text exposition. */
  text(): Promise<string>;
  served(route: string, status: number, seconds: number): void;
  read(section: string, outcome: string): void;
  /** A permission decision: from the cache or asked. */
  decision(hit: boolean): void;
  /** A read that was answered in front of the SDK. */
  hotRead(): void;
  streams(kind: 'listen' | 'session', open: number): void;
  notified(receivers: number): void;
  auditCommit(records: number, seconds: number): void;
  /** Rows of the audit that are durable here and not in the topic yet. */
  auditLag(rows: number): void;
  /** How long after the log's append the view had it. */
  viewLag(seconds: number): void;
  /** Whether the relations writer stands still before what it cannot write. */
  relationsStuck(stuck: boolean): void;
  readonly gateway: GatewayMetrics;
  /** @param payers that may be labels; once a process */
  eligibility(payers: ReadonlySet<string>): EligibilityMetrics;
}

/** Whatever is on no list counts under this, so that nobody from outside can make a series. */
const OTHER = 'other';
const ROUTES = ['mcp', 'plain'];
const SECTIONS = [
  'profile',
  'coverage',
  'care',
  'clinical',
  'financial',
  'access-log',
  'changes',
  'practitioner',
  'session',
];
const OUTCOMES = ['success', 'denied', 'failed'];
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'digital_twin_http_request_seconds',
    help: 'HTTP exchanges by route and status, until closed.',
    labelNames: ['route', 'status'],
    buckets: SECONDS,
    registers,
  });
  const decisions = new Counter({
    name: 'digital_twin_decisions_total',
    help: 'Permission decisions, from the cache or asked.',
    labelNames: ['from'],
    registers,
  });
  const fromCache = decisions.labels({ from: 'cache' });
  const fromSpicedb = decisions.labels({ from: 'spicedb' });
  // Looking a series up by its labels costs more than counting, and each request does it twice.
  const exchanges = remembered((route, status) => requests.labels({ route, status }));
  const streams = new Gauge({
    name: 'digital_twin_streams_open',
    help: 'Open subscription streams.',
    labelNames: ['kind'],
    registers,
  });
  const notifications = new Counter({
    name: 'digital_twin_notifications_total',
    help: 'Notifications handed to subscribers.',
    registers,
  });
  const auditRecords = new Counter({
    name: 'digital_twin_audit_records_total',
    help: 'Audit records made durable.',
    registers,
  });
  const auditCommit = new Histogram({
    name: 'digital_twin_audit_commit_seconds',
    help: 'Group commits of the audit, with their fsync.',
    buckets: SECONDS,
    registers,
  });
  const auditLag = new Gauge({
    name: 'digital_twin_audit_unshipped_records',
    help: 'Audit records that are durable here and not yet in the topic audit.records.',
    registers,
  });
  const viewLag = new Histogram({
    name: 'digital_twin_view_lag_seconds',
    help: 'From the append of a record until the view has it.',
    buckets: SECONDS,
    registers,
  });
  const stuckRelations = new Gauge({
    name: 'digital_twin_relations_writer_stuck',
    help: '1 while the relations writer stands still: what waits is not in force.',
    registers,
  });
  return {
    text: () => registry.metrics(),
    served(route, status, seconds) {
      exchanges(known(ROUTES, route), statusLabel(status)).observe(seconds);
    },
    ...readMetrics(registers),
    decision: (hit) => (hit ? fromCache : fromSpicedb).inc(),
    streams: (kind, open) => streams.set({ kind }, open),
    notified: (receivers) => notifications.inc(receivers),
    auditCommit(records, seconds) {
      auditRecords.inc(records);
      auditCommit.observe(seconds);
    },
    auditLag: (rows) => auditLag.set(rows),
    viewLag: (seconds) => viewLag.observe(seconds),
    relationsStuck: (stuck) => stuckRelations.set(stuck ? 1 : 0),
    gateway: createGatewayMetrics(registers),
    eligibility: (payers) => createEligibilityMetrics(registry, payers),
  };
}

function readMetrics(registers: Registry[]): Pick<Metrics, 'read' | 'hotRead'> {
  const reads = new Counter({
    name: 'digital_twin_reads_total',
    help: 'Reads by section and outcome.',
    labelNames: ['section', 'outcome'],
    registers,
  });
  const hotReads = new Counter({
    name: 'digital_twin_hot_reads_total',
    help: 'Reads over MCP that were answered in front of the SDK.',
    registers,
  });
  const readsOf = remembered((section, outcome) => reads.labels({ section, outcome }));
  return {
    read: (section, outcome) => readsOf(known(SECTIONS, section), known(OUTCOMES, outcome)).inc(),
    hotRead: () => hotReads.inc(),
  };
}

/** Bounded by the lists of labels. */
function remembered<T>(of: (a: string, b: string) => T): (a: string, b: string) => T {
  const found = new Map<string, T>();
  return (a, b) => {
    const key = `${a} ${b}`;
    const one = found.get(key) ?? of(a, b);
    found.set(key, one);
    return one;
  };
}

function known(list: readonly string[], label: string): string {
  return list.includes(label) ? label : OTHER;
}

function statusLabel(status: number): string {
  return Number.isInteger(status) && status >= 100 && status <= 599 ? String(status) : OTHER;
}
