import { isObject } from '../../../kernel/json.ts';
import type { GatewayEvent, StreamEntry } from '../../ports.ts';
import type { NamedEvent } from './events.ts';

/** What a kind of event means to somebody who hears of it later (realtime.md §5.3). */
export interface ReplayRule {
  /** Older than this it says nothing any more; its producer may have said when instead. */
  readonly ttlMs?: number;
  /** Names of earlier events of the same call that mean nothing any more. */
  readonly voids?: readonly string[];
  /** Of several about one document the last is enough. */
  readonly lastOfDocument?: true;
}

const SECOND = 1_000;
const OF_A_CALL = [
  'join_call',
  'call_accepted',
  'appointment_ready',
  'paid_extend_call_request',
] as const;

/** What has no row is told however late. */
export const REPLAY_RULES: Readonly<Record<string, ReplayRule>> = {
  join_call: { ttlMs: 60 * SECOND },
  call_accepted: { ttlMs: 120 * SECOND, voids: ['join_call'] },
  appointment_ready: { ttlMs: 300 * SECOND },
  paid_extend_call_request: { ttlMs: 60 * SECOND },
  call_ended: { voids: OF_A_CALL },
  'twin.updated': { lastOfDocument: true },
};

export type Suppressed = 'expired' | 'superseded' | 'conflated';

/** One event that somebody missed, as their channel would tell it. */
export interface Missed {
  readonly stream: string;
  readonly entry: StreamEntry;
  readonly named: NamedEvent;
}

type Timed = Pick<GatewayEvent, 'time' | 'validUntil'>;

/** Why an event is not told at this time, by its age alone; holds for live ones as well. */
export function isTooLate(event: Timed, name: string, nowMs: number): boolean {
  const untilMs = validUntilMs(event, name);
  // A time that cannot be read is no time at which it could still ring.
  return untilMs !== undefined && !(nowMs <= untilMs);
}

function validUntilMs({ time, validUntil }: Timed, name: string): number | undefined {
  if (validUntil !== undefined) return Date.parse(validUntil);
  const ttlMs = ruleOf(name).ttlMs;
  return ttlMs === undefined ? undefined : Date.parse(time) + ttlMs;
}

/**
 * Which of what was missed is not told, and why: late ones, those of a call that is over, and all but
 * the last of a document.
 */
export function suppressedOf(
  missed: readonly Missed[],
  nowMs: number,
): ReadonlyMap<Missed, Suppressed> {
  const suppressed = new Map<Missed, Suppressed>();
  for (const one of missed) {
    const why = reasonOf(one, missed, nowMs);
    if (why !== undefined) suppressed.set(one, why);
  }
  return suppressed;
}

function reasonOf(one: Missed, missed: readonly Missed[], nowMs: number): Suppressed | undefined {
  const { event } = one.entry;
  if (isTooLate(event, one.named.name, nowMs)) return 'expired';
  const later = missed.filter((other) => isLater(other, one));
  if (later.some((other) => voids(other, one))) return 'superseded';
  const isLast = later.every(({ named, entry }) => {
    return named.name !== one.named.name || entry.event.uri !== event.uri;
  });
  return ruleOf(one.named.name).lastOfDocument && !isLast ? 'conflated' : undefined;
}

/** Whether one ends what another began; an id that one of them does not say fits every call. */
function voids(later: Missed, earlier: Missed): boolean {
  if (ruleOf(later.named.name).voids?.includes(earlier.named.name) !== true) return false;
  const [of, ended] = [callOf(earlier), callOf(later)];
  return of === undefined || ended === undefined || of === ended;
}

/** Offsets tell within a stream; over two streams of a channel only the times do. */
function isLater(other: Missed, one: Missed): boolean {
  if (other === one) return false;
  if (other.stream === one.stream) return other.entry.offset > one.entry.offset;
  return Date.parse(other.entry.event.time) >= Date.parse(one.entry.event.time);
}

function callOf({ entry: { event }, named }: Missed): string | undefined {
  return idIn(event.data) ?? callIdIn(named.data);
}

/** Which call the data of an event is of, as its backend spells it. */
export function callIdIn(data: string): string | undefined {
  return idIn(jsonOf(data));
}

function idIn(data: unknown): string | undefined {
  if (!isObject(data)) return undefined;
  const id = data.callId ?? data.call_id;
  return (typeof id === 'string' && id !== '') || typeof id === 'number' ? String(id) : undefined;
}

function ruleOf(name: string): ReplayRule {
  return Object.hasOwn(REPLAY_RULES, name) ? (REPLAY_RULES[name] ?? {}) : {};
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
