import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type EventStore,
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/server';
import { META } from '../../contract/meta.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { Disclosures, Followed } from '../../twin/disclosures.ts';
import type { AccessChange, Audit, AuditEntry } from '../../twin/ports.ts';
import type { Caller, Reader } from '../../twin/reader/index.ts';
import { protocolErrorOf } from '../faults.ts';
import type { Holder, KeptBytes } from './budget.ts';
import {
  concerns,
  eventIdOf,
  isRequestStreamId,
  type Kept,
  mayFetch,
  parseEventId,
  type RequestStream,
} from './request-stream.ts';

export interface SessionEventsParts {
  readonly reader: Pick<Reader, 'showAgain'>;
  readonly audit: Audit;
  readonly disclosures: Disclosures;
  readonly clock: Clock;
  readonly report: (error: unknown, correlationId?: string) => void;
}

/** One HTTP request on its way through the SDK, which passes none of this to its event store. */
type Exchange = Asking | Resuming;

interface Asking {
  readonly caller: Caller;
  readonly requestId: RequestId;
  readonly followed: Followed;
  /** The stream that the SDK gave the request, once it has told. */
  streamId?: string;
}

/** A GET with `Last-Event-ID` that was judged: without one nothing is ever told again. */
interface Resuming {
  readonly approved: RequestStream;
  readonly after: number;
}

/** What the SDK writes no `id:` line for. */
const NO_ID = '';

/**
 * The event store of one session, and of no other (security.md §0.4): answers of POST requests, so
 * that a client whose stream broke before the answer can come back for it with `Last-Event-ID`.
 *
 * Nothing of the GET stream is kept, nor has an id: what changed is told anew, by a fresh check,
 * to whoever opens it again. An answer is told again to a token for at least as much as the one
 * that asked, only while all that it shows would be shown now, and recorded again before it leaves
 * (`showAgain` of the reader). Bounded by number, bytes and age.
 */
export class SessionEvents implements EventStore, Holder {
  readonly #parts: SessionEventsParts;
  readonly #tenant: string;
  readonly #room: KeptBytes;
  readonly #exchanges = new AsyncLocalStorage<Exchange>();
  /** Requests without an answer, whether their client is there or not. */
  readonly #pending = new Map<RequestId, Asking>();
  /** Oldest first. */
  readonly #streams = new Map<string, RequestStream>();
  #bytes = 0;

  constructor(parts: SessionEventsParts, tenant: string, room: KeptBytes) {
    this.#parts = parts;
    this.#tenant = tenant;
    this.#room = room;
  }

  /**
   * Runs the SDK's handling of a request: what is stored within is kept as this request's.
   * @throws Fault INVALID_REQUEST for the id of a request that has no answer yet: the SDK would
   *   give the first answer to whoever asked last, and none to the other.
   */
  async asking(
    caller: Caller,
    requestId: RequestId,
    handle: () => Promise<Response>,
  ): Promise<Response> {
    if (this.#pending.has(requestId)) throw askedAlready();
    const followed = this.#parts.disclosures.follow(caller.correlationId);
    const asking: Asking = { caller, requestId, followed };
    this.#pending.set(requestId, asking);
    if (this.#pending.size > LIMITS.resumableRequestsPerSessionMax) this.#forgetOldest();
    let taken = false;
    try {
      const response = await this.#exchanges.run(asking, handle);
      taken = response.ok;
      return response;
    } finally {
      // Refused before it had a stream: there will be no answer.
      if (!taken) this.#settled(asking);
    }
  }

  /** The client has cancelled: the SDK gives no answer then. */
  cancelled(requestId: RequestId): void {
    const asking = this.#pending.get(requestId);
    if (asking === undefined) return;
    this.#settled(asking);
    const stream = this.#streams.get(asking.streamId ?? '');
    if (stream !== undefined) this.#drop(stream);
  }

  /**
   * Judges a `Last-Event-ID`, then runs the SDK's handling, which tells what came after it.
   * @param takeOver ends an older connection of a request that has no answer yet
   * @returns 204 where the answer was the last that the client has heard: a client that takes
   *   another 200 without an answer for a broken stream comes again and again
   * @throws Fault INVALID_REQUEST for every id that is not this session's and this token's.
   */
  async resuming(
    caller: Caller,
    lastEventId: string,
    takeOver: (requestId: RequestId) => void,
    handle: () => Promise<Response>,
  ): Promise<Response> {
    const { stream, seq } = await this.#judge(caller, lastEventId);
    const again = stream.kept.filter((kept) => kept.seq > seq);
    const isAnswered = stream.answeredAt !== undefined;
    if (isAnswered && again.length === 0) return new Response(null, { status: 204 });
    const shown = again.flatMap((kept) => kept.shown);
    if (shown.length > 0 && !(await this.#parts.reader.showAgain(caller, shown))) {
      for (const kept of again) this.#withhold(stream, kept);
    }
    if (this.#streams.get(stream.id) !== stream) throw unknownEvent();
    if (stream.answeredAt === undefined) takeOver(stream.requestId);
    return await this.#exchanges.run({ approved: stream, after: seq }, handle);
  }

  async #judge(caller: Caller, eventId: string): Promise<{ stream: RequestStream; seq: number }> {
    this.expire();
    const { streamId = '', seq = 0 } = parseEventId(eventId) ?? {};
    const stream = this.#streams.get(streamId);
    if (stream === undefined || seq > stream.last) throw unknownEvent();
    if (mayFetch(caller, stream)) return { stream, seq };
    const why = 'Last-Event-ID of another token';
    const record = { action: 'session', outcome: 'denied', ...caller, what: [], why } as const;
    await this.#parts.audit.append(record);
    throw unknownEvent();
  }

  /** The SDK's, for every message before it goes out. */
  async storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const asking = this.#askingOf(streamId);
    // Unless it was followed to its end, nobody knows what an answer shows.
    if (asking === undefined || asking.followed.ended) return NO_ID;
    const stream = this.#streamOf(streamId, asking);
    const answers = isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message);
    if (answers) this.#settled(asking, stream);
    if (stream === undefined) return NO_ID;
    stream.last += 1;
    const id = eventIdOf(stream.id, stream.last);
    // Of the rest only questions are kept: each step of progress replaces the one before.
    const isKept = answers || isJSONRPCRequest(message);
    const stays = !isKept || this.#keep(stream, message);
    if (!stays) this.#drop(stream);
    return stays ? id : NO_ID;
  }

  getStreamIdForEventId(): Promise<string | undefined> {
    return Promise.resolve(this.#resumed()?.approved.id);
  }

  async replayEventsAfter(
    _: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const resumed = this.#resumed();
    if (resumed === undefined) throw new Error('a replay that nobody has judged');
    const { approved: stream, after } = resumed;
    // Also what comes while it runs; and what a change of access empties meanwhile is empty.
    for (const { seq, text } of stream.kept) {
      if (seq > after) await send(eventIdOf(stream.id, seq), JSON.parse(text) as JSONRPCMessage);
    }
    return stream.id;
  }

  /** What may have been shown to somebody who may not see it any more goes at once. */
  accessChanged(change: AccessChange): void {
    this.expire();
    for (const stream of this.#streams.values()) {
      for (const kept of stream.kept) {
        if (concerns(change, stream, kept)) this.#withhold(stream, kept);
      }
    }
  }

  /** Lets go of what is too old. */
  expire(): void {
    const horizon = this.#parts.clock.monotonic() - LIMITS.keptAnswerMs;
    for (const stream of this.#streams.values()) {
      if (stream.answeredAt !== undefined && stream.answeredAt < horizon) this.#drop(stream);
    }
  }

  clear(): void {
    for (const stream of [...this.#streams.values()]) this.#drop(stream);
  }

  #resumed(): Resuming | undefined {
    const exchange = this.#exchanges.getStore();
    return exchange !== undefined && 'approved' in exchange ? exchange : undefined;
  }

  /** The request that is being handled; none for what goes to the GET stream. */
  #askingOf(streamId: string): Asking | undefined {
    const exchange = this.#exchanges.getStore();
    if (exchange === undefined || 'approved' in exchange) return undefined;
    if (!isRequestStreamId(streamId)) return undefined;
    exchange.streamId ??= streamId;
    return exchange.streamId === streamId ? exchange : undefined;
  }

  #streamOf(id: string, { caller, requestId, followed }: Asking): RequestStream | undefined {
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    this.expire();
    const state = { kept: [], last: -1, answeredAt: undefined };
    const stream: RequestStream = { id, requestId, caller, followed, ...state };
    this.#streams.set(id, stream);
    if (this.#streams.size > LIMITS.resumableRequestsPerSessionMax) this.#dropOne();
    return this.#streams.get(id);
  }

  /** What is never answered must not fill the map. */
  #forgetOldest(): void {
    const [oldest] = this.#pending.values();
    if (oldest !== undefined) this.#settled(oldest);
  }

  /** The oldest with an answer, which has most likely arrived, else the oldest. */
  #dropOne(): void {
    const streams = [...this.#streams.values()];
    const oldest = streams.find(({ answeredAt }) => answeredAt !== undefined) ?? streams[0];
    if (oldest !== undefined) this.#drop(oldest);
  }

  /** There is an answer, or there will be none. */
  #settled(asking: Asking, stream?: RequestStream): void {
    if (this.#pending.get(asking.requestId) === asking) this.#pending.delete(asking.requestId);
    if (stream !== undefined) stream.answeredAt = this.#parts.clock.monotonic();
    asking.followed.end();
  }

  /** Whether there was room; older answers of the session give way. */
  #keep(stream: RequestStream, message: JSONRPCMessage): boolean {
    const text = JSON.stringify(message);
    const bytes = Buffer.byteLength(text);
    if (bytes > LIMITS.keptAnswerBytesPerSessionMax) return false;
    while (this.#bytes + bytes > LIMITS.keptAnswerBytesPerSessionMax) {
      const holding = [...this.#streams.values()].find(({ kept }) => kept.length > 0);
      if (holding === undefined || holding === stream) return false;
      this.#drop(holding);
    }
    if (!this.#room.take(this.#tenant, bytes)) return false;
    this.#bytes += bytes;
    this.#room.holders.add(this);
    const shown = [...stream.followed.shown, ...hintIn(message, stream.caller)];
    stream.kept.push({ seq: stream.last, text, bytes, shown });
    return true;
  }

  /** In its place an error, so that the client asks anew instead of waiting for an answer. */
  #withhold(stream: RequestStream, kept: Kept): void {
    const { code, message, data } = protocolErrorOf(
      this.#parts,
      new Fault('CONFLICT', { detail: WITHHELD }),
      stream.caller.correlationId,
    );
    const error = { code, message, data };
    const text = JSON.stringify({ jsonrpc: '2.0', id: stream.requestId, error });
    const bytes = Math.min(Buffer.byteLength(text), kept.bytes);
    this.#give(kept.bytes - bytes);
    Object.assign(kept, { text, bytes, shown: [] });
  }

  #drop(stream: RequestStream): void {
    stream.followed.end();
    if (!this.#streams.delete(stream.id)) return;
    for (const { bytes } of stream.kept.splice(0)) this.#give(bytes);
  }

  #give(bytes: number): void {
    this.#bytes -= bytes;
    this.#room.give(this.#tenant, bytes);
    if (this.#bytes === 0) this.#room.holders.delete(this);
  }
}

const WITHHELD = 'This answer may not be told again as it was: ask anew.';

/** One answer to every id that is not one: forged, too old, another session's, another token's. */
function unknownEvent(): Fault {
  const detail = 'Last-Event-ID names nothing that can be resumed here: ask anew.';
  return new Fault('INVALID_REQUEST', { detail });
}

function askedAlready(): Fault {
  const detail = 'A request of this session with this id is still being answered.';
  return new Fault('INVALID_REQUEST', { detail });
}

/** What changed since the caller read it goes with an answer, and is no record of the audit. */
function hintIn(message: JSONRPCMessage, caller: Caller): AuditEntry[] {
  const changed = 'result' in message ? message.result._meta?.[META.changed] : undefined;
  if (!Array.isArray(changed)) return [];
  const what = changed as AuditEntry['what'];
  return [{ action: 'changes', outcome: 'success', ...caller, what, why: 'read before' }];
}
