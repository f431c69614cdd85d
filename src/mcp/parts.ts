import type {
  AuthInfo,
  CompleteRequest,
  McpServer,
  McpServerOptions,
  ServerContext,
  ServerEvent,
} from '@modelcontextprotocol/server';
import type { ChatInput, ChatResult, WhomQuestion } from '../contract/documents.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import type { Disclosures } from '../twin/disclosures.ts';
import type { Floors } from '../twin/floors.ts';
import type { OpenCounts } from '../twin/open-counts.ts';
import type { Access, Audit, ChangeBus } from '../twin/ports.ts';
import type { PositionCodec } from '../twin/position.ts';
import type { Caller, Reader } from '../twin/reader/index.ts';
import type { Work } from '../twin/work.ts';
import type { Checks } from './freshness.ts';
import type { RequestStates } from './request-state.ts';

/** What chat is to this room. */
export interface Chat {
  answer(caller: Caller, input: ChatInput, work?: Work): Promise<ChatResult>;
  /** The answer, or what has to be asked before there is one; nothing is kept then. */
  answerOrAsk(caller: Caller, input: ChatInput, work?: Work): Promise<ChatResult | WhomQuestion>;
}

export interface McpParts {
  readonly reader: Reader;
  readonly chat: Chat;
  readonly access: Access;
  readonly audit: Audit;
  /** What that audit, which the reader and chat write too, says of one request. */
  readonly disclosures: Disclosures;
  readonly bus: ChangeBus;
  readonly clock: Clock;
  readonly floors: Floors;
  readonly positions: PositionCodec;
  readonly requestStates: RequestStates;
  /** The log's epoch, for positions in notifications. */
  readonly epoch: () => string;
  readonly version: string;
  /** Faults of ours, with their cause, for the log. */
  readonly report: (error: unknown, correlationId?: string) => void;
  readonly metrics?: McpMetrics;
  /** What other instances have open; absent where there are none. */
  readonly openCounts?: OpenCounts;
  /** Whether reads may be answered in front of the SDK. */
  readonly hotReads: () => boolean;
  readonly profile?: Profile;
  /** Absent where this installation asks no clearinghouse. */
  readonly checks?: Checks | undefined;
}

export type CompleteParams = CompleteRequest['params'];
/** Values that begin as the argument does; nothing that the caller may not see. */
export type Completer = (
  caller: Caller,
  params: CompleteParams,
) => Promise<{ completion: { values: string[]; hasMore: boolean } }>;

/** What a server offers besides the twin: the fixtures of the conformance suite, never more. */
export interface Profile {
  readonly options: Pick<McpServerOptions, 'capabilities'>;
  /** Adds to a server that has the twin's own tools, prompts and resources. */
  extend(server: McpServer, parts: McpParts, complete: Completer): void;
  /** Tells a listen stream that a list has changed, until the returned function is called. */
  listening(tell: (kind: ServerEvent['kind']) => void): () => void;
}

/** A listen stream of the 2026 era, or a session of the 2025 era, which may have a GET stream. */
export type StreamKind = 'listen' | 'session';

export interface McpMetrics {
  notified(receivers: number): void;
  hotRead(): void;
  streams(kind: StreamKind, open: number): void;
}

const CALLER = 'caller';

/** The verified caller travels through the SDK as `AuthInfo`; the token itself does not. */
export function authInfoOf(caller: Caller): AuthInfo {
  const { principal } = caller;
  return {
    token: '',
    clientId: principal.clientId,
    scopes: [...principal.scopes],
    expiresAt: Math.floor(principal.expiresAtMs / 1000),
    extra: { [CALLER]: caller },
  };
}

export function callerOf(ctx: Pick<ServerContext, 'http'>): Caller {
  const caller = ctx.http?.authInfo?.extra?.[CALLER];
  if (caller === undefined) throw new Fault('INTERNAL', { cause: 'a request without its caller' });
  return caller as Caller;
}
