import { createHmac } from 'node:crypto';
import {
  type BrokerStatus,
  CHECK_LIMITS,
  type CheckAnswer,
  type CheckBody,
  type CheckReport,
} from '../../contract/eligibility.ts';
import { Fault } from '../../kernel/errors.ts';
import { base32, randomId } from '../../kernel/ids.ts';
import type { CheckRequest, CheckStep, Principal } from '../../twin/ports.ts';
import type { Caller } from '../../twin/reader/index.ts';
import { standingOf } from '../cache/rules.ts';
import { documentOf, requireCheck } from '../door.ts';
import { type CheckStanding, isTerminal } from '../journal/table.ts';
import { type CheckClass, CLASSES } from '../scheduler/index.ts';
import type { KnownSubject } from '../subject.ts';
import type { DeskParts } from './parts.ts';
import { EndWaits } from './waits.ts';

export interface Freshness {
  /** A kept answer that is older will not do. */
  readonly maxAgeMs?: number;
  /** The caller has gone. */
  readonly signal?: AbortSignal;
}

/** Where checks are asked for: the kept answer at once, or a check that is durable and under way. */
export interface CheckDesk {
  /** @throws Fault NOT_FOUND where the caller may not check this member; RATE_LIMITED with the wait */
  check(caller: Caller, body: CheckBody, freshness?: Freshness): Promise<CheckAnswer>;
  /** @throws Fault NOT_FOUND for one that is not there or not for the caller */
  report(caller: Caller, checkId: string): Promise<CheckReport>;
  status(): BrokerStatus;
}

const TOPIC = 'rte-completion';

export function createCheckDesk(parts: DeskParts): CheckDesk {
  return new Desk(parts);
}

class Desk implements CheckDesk {
  readonly #parts: DeskParts;
  readonly #waits: EndWaits;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#waits = new EndWaits(parts.clock);
    parts.journal.onSteps((steps) => this.#waits.hear(steps));
  }

  async check(caller: Caller, body: CheckBody, freshness: Freshness = {}): Promise<CheckAnswer> {
    const { member } = body;
    await requireCheck(this.#parts, caller, member);
    const subject = this.#parts.subjects.find({
      ...{ tenant: caller.principal.tenant, member },
      ...{ serviceTypes: body.serviceTypes ?? ['30'] },
      ...given('coverage', body.coverage),
      ...given('provider', body.provider),
      ...given('serviceDate', body.serviceDate),
    });
    const kept = this.#kept(caller.principal.tenant, body, subject, freshness.maxAgeMs);
    if (kept !== undefined) return kept;
    const request = this.#requestOf(caller.principal, body, subject);
    const checkId = this.#idOf(caller.principal, body.idempotencyKey);
    const known = this.#parts.table.get(checkId);
    if (known === undefined) await this.#accept(checkId, request);
    else if (known.request.dedupeKey !== request.dedupeKey) throw otherQuestion();
    return await this.#answer(checkId, request, this.#waitMs(body), freshness.signal);
  }

  async report(caller: Caller, checkId: string): Promise<CheckReport> {
    const standing = this.#parts.table.get(checkId);
    const end = await this.#endOf(checkId);
    const of = standing?.request ?? end;
    if (of === undefined || of.tenant !== caller.principal.tenant) throw noSuchCheck();
    await requireCheck(this.#parts, caller, of.member, { refusal: noSuchCheck });
    return this.#reportOf(checkId, standing, end);
  }

  status(): BrokerStatus {
    const { broker, table, metrics } = this.#parts;
    const saved = metrics.saved();
    const status = broker.status();
    if (status === undefined) return { decides: false, open: table.openCount, saved };
    return {
      ...{ decides: true, open: table.openCount, saved },
      slots: { inUse: status.inUse, now: status.slots, most: status.slotsMax },
      classes: CLASSES.map((one) => ({
        ...{ class: one, inUse: status.inUseBy[one], waiting: status.waiting[one] },
        expectedWaitMs: broker.expectedWaitMs(one, '') ?? 0,
      })),
      payers: status.payers.map(({ estimateMs, ...payer }) => ({
        ...payer,
        callMs: Math.round(estimateMs),
      })),
    };
  }

  #kept(
    tenant: string,
    { member, serviceTypes = ['30'], serviceDate, mode = 'DEFAULT' }: CheckBody,
    { coverage, payer }: KnownSubject,
    maxAgeMs = Number.POSITIVE_INFINITY,
  ): CheckAnswer | undefined {
    if (mode === 'REQUIRE_FRESH') return undefined;
    const { factOf, clock, metrics } = this.#parts;
    const question = { tenant, member, coverage, payer: payer.id, serviceTypes };
    const fact = factOf({ ...question, ...given('serviceDate', serviceDate) });
    const now = clock.now();
    const standing = fact && standingOf(fact, payer.kind);
    const until = mode === 'PREFER_CACHE' ? standing?.keptUntil : standing?.freshUntil;
    const ageMs = fact === undefined ? 0 : Math.max(0, now - fact.checkedAt);
    const serves = fact !== undefined && now < (until ?? 0) && ageMs <= maxAgeMs;
    metrics.cache(serves);
    if (!serves) return undefined;
    const { checkId, status } = fact;
    const about = { document: documentOf(member), topic: TOPIC } as const;
    return { checkId, status: 'cached', ageMs, eligibility: status, expectedWaitMs: 0, ...about };
  }

  #requestOf(principal: Principal, body: CheckBody, subject: KnownSubject): CheckRequest {
    const { lifeMs } = this.#parts.settings;
    const { member, serviceTypes = ['30'], mode = 'DEFAULT' } = body;
    const one = classOf(principal);
    return {
      ...{ tenant: principal.tenant, member, coverage: subject.coverage },
      ...{ payer: subject.payer.id, serviceTypes, mode, class: one },
      ...given('provider', body.provider),
      ...given('serviceDate', body.serviceDate),
      ...given('session', body.session),
      ...{ dedupeKey: subject.dedupeKey, actor: actorOf(principal) },
      until: this.#parts.clock.now() + lifeMs[one],
    };
  }

  /** The same key of the same caller is the same check, on whichever instance. */
  #idOf({ tenant, subject, clientId }: Principal, key: string | undefined): string {
    if (key === undefined) return randomId();
    const text = JSON.stringify(['check', tenant, subject, clientId, key]);
    return base32(createHmac('sha256', this.#parts.secret).update(text).digest().subarray(0, 16));
  }

  /** Durable before it is answered; refused at once where too many wait. */
  async #accept(checkId: string, request: CheckRequest): Promise<void> {
    const { journal, table, settings, clock } = this.#parts;
    const { waitingMax, tenantWaitingMax } = settings.scheduler;
    const one = request.class;
    const isFull =
      table.openOf(one) >= waitingMax[one] || table.openOf(one, request.tenant) >= tenantWaitingMax;
    if (isFull) {
      const retryAfterMs = this.#expectedWaitMs(request);
      const detail = 'Too many checks wait already; nothing was accepted. Try again later.';
      throw new Fault('RATE_LIMITED', { detail, data: { retryAfterMs } });
    }
    const { tenant, member } = request;
    const about = { eventId: randomId(), at: clock.now(), checkId, tenant, member };
    await journal.accept([{ ...about, state: 'accepted', attempt: 0, request }]);
  }

  async #answer(
    checkId: string,
    request: CheckRequest,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<CheckAnswer> {
    const { table, broker, metrics } = this.#parts;
    const ended = (): boolean =>
      broker.unsaid(checkId) !== undefined || isTerminal(table.get(checkId)?.state ?? 'accepted');
    if (waitMs > 0 && !ended()) {
      await this.#waits.until(checkId, waitMs, ended, signal);
      metrics.waited(ended() ? 'answered' : 'fell-back');
    }
    const standing = table.get(checkId);
    const end = isTerminal(standing?.state ?? 'accepted')
      ? standing?.newest
      : broker.unsaid(checkId);
    return this.#answerOf(checkId, request, end);
  }

  #waitMs({ waitMs = 0 }: CheckBody): number {
    return this.#parts.mode() === 'sync' ? CHECK_LIMITS.waitMsMax : waitMs;
  }

  #answerOf(
    checkId: string,
    request: Pick<CheckRequest, 'member'> & Partial<Pick<CheckRequest, 'class' | 'payer'>>,
    end: CheckStep | undefined,
  ): CheckAnswer {
    const about = { checkId, document: documentOf(request.member), topic: TOPIC } as const;
    if (end === undefined) {
      return { ...about, status: 'processing', expectedWaitMs: this.#expectedWaitMs(request) };
    }
    const { state, status, place, reason, followUp } = end;
    return {
      ...{ ...about, status: state as 'completed' | 'failed' | 'timed-out', expectedWaitMs: 0 },
      ...given('eligibility', status),
      ...given('position', place && this.#parts.positionOf(place)),
      ...given('reason', reason),
      ...given('followUp', followUp),
    };
  }

  #reportOf(
    checkId: string,
    standing: CheckStanding | undefined,
    end: CheckStep | undefined,
  ): CheckReport {
    const step = end ?? standing?.newest;
    if (step === undefined) throw noSuchCheck();
    const { member, attempt, at, mayHaveReachedPayer = false } = step;
    return {
      ...this.#answerOf(checkId, standing?.request ?? { member }, end),
      ...{ member, state: step.state, attempt },
      acceptedAt: new Date(standing?.acceptedAt ?? at).toISOString(),
      changedAt: new Date(at).toISOString(),
      mayHaveReachedPayer: standing?.mayHaveReachedPayer || mayHaveReachedPayer,
    };
  }

  /** By the journal; else by whoever had the answer and could not say it there as yet. */
  async #endOf(checkId: string): Promise<CheckStep | undefined> {
    const { table, broker, board } = this.#parts;
    const standing = table.get(checkId);
    if (standing !== undefined && isTerminal(standing.state)) return standing.newest;
    const said = broker.unsaid(checkId) ?? (await board.get(checkId).catch(() => undefined));
    return said !== undefined && isTerminal(said.state) ? said : undefined;
  }

  #expectedWaitMs({ class: one = 'live', payer = '' }: Partial<CheckRequest>): number {
    const { broker, table, settings } = this.#parts;
    const { slots, estimateMs } = settings.scheduler;
    const known = broker.expectedWaitMs(one, payer);
    return known ?? Math.round(estimateMs * (1 + table.openOf(one) / slots));
  }
}

/** Whoever is a person, or acts for one, waits; a service on its own is told later. */
function classOf({ kind, actor }: Principal): CheckClass {
  return kind === 'user' || actor !== undefined ? 'live' : 'async';
}

function actorOf({ kind, subject, actor }: Principal): string {
  return actor === undefined ? `${kind}:${subject}` : `agent:${actor} for ${kind}:${subject}`;
}

function noSuchCheck(): Fault {
  return new Fault('NOT_FOUND', { detail: 'There is no such check, or it is not for you.' });
}

function otherQuestion(): Fault {
  const detail = 'idempotencyKey: it belongs to another question; use a new one.';
  return new Fault('CONFLICT', { detail });
}

/** So that what is absent stays so. */
function given<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]?: V });
}
