import { createHash } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import { canonicalJson, isObject } from '../kernel/json.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { Principal } from '../twin/ports.ts';
import { principalKey } from '../twin/principals.ts';
import { createSealing, type Secrets } from '../twin/sealing.ts';

/** The request that a state belongs to. */
export interface Asked {
  readonly principal: Principal;
  readonly tool: string;
  readonly args: unknown;
}

export interface RequestState {
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/**
 * The `requestState` of a multi-round request (MCP 2026-07-28 `basic/patterns/mrtr.mdx`): what a
 * server remembers of its question travels through the client, so it is an attacker's input
 * (security.md §1.4 M1–M5). It is encrypted, bound to who asked which tool with which arguments,
 * short, and good for one answer within its time.
 *
 * Used ones are remembered by the instance that used them: on another instance of the deployment
 * the same caller could repeat the same call within its time, which reads what they may read.
 */
export interface RequestStates {
  seal(asked: Asked, payload: Readonly<Record<string, unknown>>): string;
  /** @throws Fault INVALID_ARGUMENT for whatever is not an unused state of this very request. */
  open(asked: Asked, text: unknown): RequestState;
  /**
   * Runs what the state was asked for, at most once with success.
   * @throws Fault INVALID_ARGUMENT where it ran, or runs.
   */
  once<T>(state: RequestState, run: () => Promise<T>): Promise<T>;
}

export function createRequestStates(secrets: Secrets, clock: Clock): RequestStates {
  const sealing = createSealing('request-state', secrets);
  const used = new UsedStates(clock);
  return {
    seal: (asked, payload) =>
      sealing.seal(bindingOf(asked), { ...payload, issued: clock.now() }).text,
    open(asked, text) {
      if (typeof text !== 'string' || text.length > LIMITS.requestStateCharsMax) throw wrongState();
      const sealed = sealing.open(bindingOf(asked), text);
      if (sealed === undefined || !isObject(sealed.payload)) throw wrongState();
      const { issued, ...payload } = sealed.payload;
      if (typeof issued !== 'number' || !isFresh(clock, issued)) throw wrongState();
      if (used.has(sealed.id, issued)) throw wrongState();
      return { id: sealed.id, payload };
    },
    async once({ id }, run) {
      if (!used.take(id)) throw wrongState();
      try {
        return await run();
      } catch (error) {
        used.giveBack(id);
        throw error;
      }
    },
  };
}

function bindingOf({ principal, tool, args }: Asked): string {
  const digest = createHash('sha256')
    .update(canonicalJson(args ?? {}))
    .digest('base64url');
  return `${principalKey(principal)}\n${tool}\n${digest}`;
}

function isFresh(clock: Clock, issued: number): boolean {
  const age = clock.now() - issued;
  return age <= LIMITS.requestStateTtlMs && age >= -LIMITS.clockSkewMaxMs;
}

/** Bounded: what is forgotten early moves the horizon, behind which all count as used. */
class UsedStates {
  readonly #clock: Clock;
  /** By id, when they were used: in this order. */
  readonly #used = new Map<string, number>();
  #horizon = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(id: string, issued: number): boolean {
    return issued <= this.#horizon || this.#used.has(id);
  }

  take(id: string): boolean {
    if (this.#used.has(id)) return false;
    const now = this.#clock.now();
    for (const [old, at] of this.#used) {
      const room = this.#used.size < LIMITS.requestStatesUsedMax;
      if (room && at >= now - LIMITS.requestStateTtlMs - LIMITS.clockSkewMaxMs) break;
      // What was used by then was issued by then.
      this.#horizon = Math.max(this.#horizon, at);
      this.#used.delete(old);
    }
    this.#used.set(id, now);
    return true;
  }

  giveBack(id: string): void {
    this.#used.delete(id);
  }
}

function wrongState(): Fault {
  return new Fault('INVALID_ARGUMENT', {
    detail:
      'The requestState is not one that this server gave you for this request, or it is used or ' +
      'too old: call the tool again without it.',
  });
}
