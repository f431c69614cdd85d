import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Trust, TrustedAgent } from '../contract/agents.ts';
import type { AccessReview, DisclosurePage } from '../contract/audit/reports.ts';
import type { BackupMade } from '../contract/backups.ts';
import type {
  BreakGlassCase,
  BreakGlassFilter,
  BreakGlassOpened,
  BreakGlassPage,
  BreakGlassReason,
  ReviewOutcome,
} from '../contract/break-glass.ts';
import type { CallState } from '../contract/calls.ts';
import type { BrokerStatus, CheckAnswer, CheckBody, CheckReport } from '../contract/eligibility.ts';
import type { BatchReportRow, BatchStatus } from '../contract/eligibility-batches.ts';
import type { Enrollment, EnrollmentBody } from '../contract/enrollments.ts';
import type { FlagStates } from '../contract/flags.ts';
import type { Forgotten, Hold, RetentionReport } from '../contract/keeping.ts';
import type { ComparisonReport, RealtimeInfo, RolloutStatus } from '../contract/rollout.ts';
import type { PublishedEvent } from '../contract/scopes.ts';
import type { Snapshot } from '../contract/snapshots.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Fault } from '../kernel/errors.ts';
import type {
  Access,
  Audit,
  ChangeBus,
  DeadLetters,
  HoldingIntake,
  ObjectRef,
  Principal,
  RelationChange,
  Replays,
  View,
} from '../twin/ports.ts';
import type { PositionCodec } from '../twin/position.ts';
import type { Caller, Reader } from '../twin/reader/index.ts';

/** Who a request comes from, and how a client without a good token is told what to bring. */
export interface Authenticator {
  /** @param rawHeaders as node gives them: name, value, name, value, … */
  authenticate(rawHeaders: readonly string[]): Promise<Principal>;
  /**
   * `WWW-Authenticate` for a refusal (RFC 6750 §3, RFC 9728 §5.1, RFC 9470 §3).
   * @param scopes all that the operation needs; none where that cannot be told
   */
  challenge(fault: Fault, tokenSent: boolean, scopes: readonly string[]): string;
  /** RFC 9728 protected resource metadata. */
  metadata(): Record<string, unknown>;
}

/** The MCP endpoint, as this room sees it. */
export interface McpRoute {
  missingScopes(principal: Principal, body: unknown): string[];
  /** All scopes that the message needs, for the challenge of a 401 or 403. */
  requiredScopes(held: ReadonlySet<string>, body: unknown): string[];
  /** The hot path of reads: the body of a success, or nothing, and then `handle` answers. */
  readonly quick: {
    answer(
      headers: IncomingHttpHeaders,
      body: unknown,
      caller: Caller,
    ): Promise<Buffer | undefined> | undefined;
  };
  handle(exchange: {
    req: IncomingMessage;
    res: ServerResponse;
    body: unknown;
    caller: Caller;
  }): Promise<void>;
  /** Ends the streams, so that the listener can stop; requests go on. */
  drain(): Promise<void>;
}

/** Relations for operators, in SpiceDB's text form: `member:demo-ana#self@user:ana`. */
export interface RelationsDesk {
  write(changes: readonly RelationChange[], actor: string): Promise<{ zedToken: string }>;
  list(filter: { type: string; id?: string; relation?: string }): Promise<string[]>;
  parse(text: string): RelationChange['relationship'];
  readonly agents: AgentsDesk;
  explain(
    subject: string,
    permission: string,
    object: string,
    agent?: { readonly id: string; readonly tenant: string },
  ): Promise<{
    allowed: boolean;
    why: readonly string[];
    trust?: readonly { readonly by: string; readonly holds: boolean }[];
  }>;
}

/** Whom a person trusts with what, and which clients a tenant has suspended. */
export interface AgentsDesk {
  list(person: string, tenant: string): Promise<TrustedAgent[]>;
  trust(person: string, agent: string, with_: readonly Trust[], until?: string): Promise<void>;
  untrust(person: string, agent: string, from?: readonly Trust[]): Promise<boolean>;
  suspended(tenant: string): Promise<string[]>;
  suspend(tenant: string, client: string, actor: string): Promise<void>;
  resume(tenant: string, client: string, actor: string): Promise<void>;
}

/** The audit given out: who may ask is decided before, the tenant is the caller's. */
export interface AuditDesk {
  verify(): Promise<object>;
  disclosures(
    tenant: string,
    member: string,
    page: {
      readonly from: number;
      readonly to: number;
      readonly limit: number;
      readonly cursor?: {
        readonly at: number;
        readonly generation: string;
        readonly index: number;
      };
    },
  ): Promise<DisclosurePage>;
  review(
    tenant: string,
    period: { readonly from: number; readonly to: number },
  ): Promise<AccessReview>;
  events(
    tenant: string,
    period: { readonly from: number; readonly to: number },
    member?: string,
  ): AsyncIterable<object>;
  rows(tenant: string): AsyncIterable<object>;
  checkpoints(): Promise<readonly string[]>;
}

/** Flags for operators; `set` refuses what is on no list. */
export interface FlagsDesk {
  list(): Promise<FlagStates>;
  set(name: string, value: string): Promise<void>;
}

/** Break-glass; who may what is the desk's to decide, and each refusal is in the audit. */
export interface BreakGlassDesk {
  /** The login that it asks for. */
  readonly login: { readonly acrValues: readonly string[]; readonly maxAgeSeconds: number };
  open(
    caller: Caller,
    asked: {
      readonly member: string;
      readonly reason: BreakGlassReason;
      readonly text: string;
      readonly minutes?: number | undefined;
    },
  ): Promise<BreakGlassOpened>;
  own(caller: Caller): Promise<BreakGlassCase[]>;
  queue(
    caller: Caller,
    query: {
      readonly filter: BreakGlassFilter;
      readonly limit: number;
      readonly cursor?: string | undefined;
    },
  ): Promise<BreakGlassPage>;
  end(caller: Caller, id: string): Promise<BreakGlassCase>;
  review(
    caller: Caller,
    id: string,
    review: { readonly outcome: ReviewOutcome; readonly text?: string | undefined },
  ): Promise<BreakGlassCase>;
}

/** Eligibility checks; who may what is the desk's to decide, and each refusal is in the audit. */
export interface EligibilityDesk {
  check(
    caller: Caller,
    body: CheckBody,
    freshness?: { readonly maxAgeMs?: number; readonly signal?: AbortSignal },
  ): Promise<CheckAnswer>;
  report(caller: Caller, checkId: string): Promise<CheckReport>;
  status(): BrokerStatus;
}

/** Files of eligibility checks: their caller's alone. */
export interface BatchesDesk {
  submit(
    caller: Caller,
    body: AsyncIterable<Uint8Array>,
    format: 'csv' | 'ndjson',
    key?: string,
  ): Promise<BatchStatus>;
  status(caller: Caller, id: string): Promise<BatchStatus>;
  list(caller: Caller): Promise<BatchStatus[]>;
  report(caller: Caller, id: string): Promise<AsyncIterable<readonly BatchReportRow[]>>;
}

/** Enrollments that wait for what a payer says. */
export interface EnrollmentsDesk {
  submit(caller: Caller, body: EnrollmentBody): Promise<Enrollment>;
  get(caller: Caller, id: string): Promise<Enrollment>;
}

/** Copies of the view; one is made at a time. */
export interface SnapshotsDesk {
  create(): Promise<Snapshot>;
  list(): Promise<Snapshot[]>;
}

/** Development only: OAuth for clients that log people in (docs/authorization-server.md). */
export interface AuthorizationServer {
  /** RFC 8414 */
  metadata(): Record<string, unknown>;
  handle(exchange: {
    req: IncomingMessage;
    res: ServerResponse;
    body: Buffer | undefined;
    correlationId: string;
  }): Promise<void>;
  /** A code for one login. @throws Fault INVALID_ARGUMENT, RATE_LIMITED */
  loginCode(request: Readonly<Record<string, unknown>>): object;
}

/** Keeping and letting go. */
export interface KeepingDesk {
  readonly keeper: KeeperDesk;
  /** @param dryRun says what is due, and deletes nothing */
  retain(tenant: string, dryRun: boolean): Promise<RetentionReport>;
  /** @throws Fault NOT_FOUND where no place or no key for backups is set */
  backup(): Promise<BackupMade>;
  /** A JSON text each. @throws Fault NOT_FOUND for a member that is not of the tenant */
  deidentified(tenant: string, members?: readonly string[]): Iterable<string>;
}

/** Legal holds, and letting members go. */
interface KeeperDesk {
  holds(tenant: string): readonly Hold[];
  hold(by: By, member: string, reason: string): Promise<Hold>;
  release(by: By, member: string): Promise<void>;
  forget(by: By, members: readonly string[]): Promise<Forgotten>;
  allowAgain(by: By, member: string): Promise<void>;
}

interface By {
  readonly tenant: string;
  readonly actor: string;
}

/** Development only: tokens for whoever holds the key of `server.json`. */
export interface DevelopmentDesk {
  readonly key: string;
  /** Absent where tokens come from a company's issuer. */
  mint?(request: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  /** Absent where tokens come from a company's issuer. */
  readonly authorizationServer?: AuthorizationServer;
}

/** What becomes of upgrade requests: the realtime gateway, as this room sees it. */
export interface UpgradesDesk {
  upgrade(req: IncomingMessage, stream: Duplex, head: Buffer): void;
  /** Ends its connections, spread over time, once the listener takes nobody new. */
  drain(): Promise<void>;
}

/** Events of producers without Kafka; which scope each needs is the desk's to say. */
export interface EventsDesk {
  publish(
    caller: Caller,
    submission: {
      readonly type: PublishedEvent;
      readonly member: string;
      readonly id?: string | undefined;
      readonly time?: string | undefined;
      readonly data: Readonly<Record<string, unknown>>;
    },
  ): Promise<{ readonly id: string }>;
}

/** Where an app connects, the last state of a call, and the move from Pusher. */
export interface RealtimeDesk {
  /** @throws Fault NOT_FOUND */
  info(caller: Caller, member: string): Promise<RealtimeInfo>;
  /** @throws Fault NOT_FOUND */
  call(caller: Caller, id: string): Promise<CallState>;
  readonly rollout: {
    status(): RolloutStatus;
    compared(report: ComparisonReport): void;
  };
}

/** What stock Pusher SDKs and libraries ask; whom an app's servers are is the desk's to verify. */
export interface PusherDesk {
  handle(request: {
    readonly method: string;
    /** As sent, without the query. */
    readonly path: string;
    readonly query: URLSearchParams;
    readonly body: Uint8Array;
  }): Promise<{ readonly status: number; readonly body: object }>;
  /** `undefined`: this caller may not subscribe to it, whether or not there is such a channel. */
  authorize(
    caller: Caller,
    form: ReadonlyMap<string, string>,
  ): Promise<{ auth: string; channel_data: string } | undefined>;
  signIn(
    caller: Caller,
    form: ReadonlyMap<string, string>,
  ): { readonly auth: string; readonly user_data: string };
}

export interface HttpParts {
  /** Absent where the role gateway does not run. */
  readonly pusher?: PusherDesk;
  /** Absent where the role gateway does not run. */
  readonly realtime?: RealtimeDesk;
  readonly authenticator: Authenticator;
  /** Absent where the role gateway does not run. */
  readonly events?: EventsDesk;
  /** Absent where the role gateway does not run: an upgrade is then refused. */
  readonly upgrades?: UpgradesDesk;
  readonly mcp: McpRoute;
  readonly reader: Reader;
  readonly intake: HoldingIntake;
  readonly relations: RelationsDesk;
  readonly flags: FlagsDesk;
  /** Absent where no Kafka is. */
  readonly deadLetters?: DeadLetters;
  readonly replays?: Replays;
  readonly snapshots: SnapshotsDesk;
  readonly keeping: KeepingDesk;
  readonly breakGlass: BreakGlassDesk;
  /** Absent where this installation asks no clearinghouse. */
  readonly eligibility: EligibilityDesk | undefined;
  readonly eligibilityBatches: BatchesDesk | undefined;
  readonly enrollments: EnrollmentsDesk | undefined;
  readonly access: Pick<Access, 'check' | 'onChange'>;
  /** Whether an object is of the tenant, or of nobody yet. */
  readonly ofTenant: (tenant: string, object: ObjectRef) => boolean;
  readonly audit: Audit;
  readonly auditDesk: AuditDesk;
  /** The tenant of a member; `undefined` where none is known. */
  readonly memberTenant: (member: string) => string | undefined;
  readonly bus: ChangeBus;
  readonly view: Pick<View, 'epoch' | 'waitFor'>;
  readonly positions: PositionCodec;
  /** `KAFKA_TOPIC_PREFIX`, by which the subjects of `/schemas` are named. */
  readonly topicPrefix?: string;
  readonly clock: Clock;
  readonly development: DevelopmentDesk | undefined;
  /** The client by which people log in to our own pages; `undefined` where none is set. */
  readonly pagesClientId: string | undefined;
  readonly version: string;
  readonly readiness: () => Promise<{ ready: boolean; [probe: string]: unknown }>;
  readonly metricsText: () => Promise<string>;
  readonly report: (error: unknown, correlationId?: string) => void;
  readonly served: (route: string, status: number, seconds: number) => void;
}

/** What the plain routes have besides: the listener's word that it stops. */
export interface PlainParts extends HttpParts {
  readonly stopping: AbortSignal;
}

/** Where the listener stands, and who may come. */
export interface HttpOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Whether the port was named; if not, the next free one is taken. */
  readonly portNamed: boolean;
  /** Whether other processes may listen there too. */
  readonly reusePort?: boolean;
  /** Full origins of browsers' pages besides our own. */
  readonly allowedOrigins: readonly string[];
  /** Decided once the port is known. */
  readonly publicUrl: (port: number) => string;
  /** Stop after this long without a client; 0 never. */
  readonly idleExitMs: number;
  readonly onIdle: () => void;
}
