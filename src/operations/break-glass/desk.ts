import {
  type BreakGlassCase,
  type BreakGlassFilter,
  type BreakGlassOpened,
  type BreakGlassPage,
  type BreakGlassReason,
  type ReviewOutcome,
  reasonWords,
} from '../../contract/break-glass.ts';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import { LIMITS } from '../../kernel/limits.ts';
import {
  type CaseStep,
  caseAt,
  casesIn,
  emergencyRelation,
  isOpen,
  type Kept,
  stepRecord,
} from '../../twin/break-glass.ts';
import { actorName } from '../../twin/principals.ts';
import type { Caller } from '../../twin/reader/index.ts';
import { requireAuthentication } from '../../twin/step-up.ts';
import { createNotices, type Notices } from './notices.ts';
import { type BreakGlassParts, VIEW_WAIT_MS } from './parts.ts';
import { isOfficer, requireOfficer, requireOpener, requirePerson } from './rights.ts';

export interface OpenRequest {
  readonly member: string;
  readonly reason: BreakGlassReason;
  readonly text: string;
  readonly minutes?: number | undefined;
}

export interface ReviewRequest {
  readonly outcome: ReviewOutcome;
  readonly text?: string | undefined;
}

export interface QueueQuery {
  readonly filter: BreakGlassFilter;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Break-glass on one instance (docs/break-glass.md). Each refusal is in the audit. */
export interface BreakGlass {
  /** The login that opening asks for (RFC 9470). */
  readonly login: { readonly acrValues: readonly string[]; readonly maxAgeSeconds: number };
  /**
   * Answers once the case is in the log and the audit, and the right committed in SpiceDB.
   * @throws Fault INSUFFICIENT_AUTHENTICATION, NOT_FOUND, CONFLICT, RATE_LIMITED, NOT_COMMITTED
   */
  open(caller: Caller, asked: OpenRequest): Promise<BreakGlassOpened>;
  /** The caller's own that are open. */
  own(caller: Caller): Promise<BreakGlassCase[]>;
  /** For privacy officers of the tenant. @throws Fault NOT_FOUND */
  queue(caller: Caller, query: QueueQuery): Promise<BreakGlassPage>;
  /** By its person or an officer; one that has ended stays as it is. @throws Fault NOT_FOUND */
  end(caller: Caller, id: string): Promise<BreakGlassCase>;
  /** By an officer, once, of what has ended and is not their own. @throws Fault NOT_FOUND, CONFLICT */
  review(caller: Caller, id: string, review: ReviewRequest): Promise<BreakGlassCase>;
  /** Tells of what ends by its own time. */
  readonly notices: Notices;
}

export function createBreakGlass(parts: BreakGlassParts): BreakGlass {
  return new Desk(parts);
}

const MINUTE_MS = 60_000;

class Desk implements BreakGlass {
  readonly login: BreakGlass['login'];
  readonly notices: Notices;
  readonly #parts: BreakGlassParts;
  readonly #tries: ReturnType<BreakGlassParts['rateOf']>;
  /** By tenant and person, or case: what they do now, so that two at once are one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(parts: BreakGlassParts) {
    this.#parts = parts;
    const { loginMaxAgeSeconds: maxAgeSeconds } = LIMITS.breakGlass;
    this.login = { acrValues: parts.acrValues, maxAgeSeconds };
    this.notices = createNotices(parts);
    const { triesPerHour } = LIMITS.breakGlass;
    const rate = { perSecond: triesPerHour / 3_600, burst: triesPerHour };
    this.#tries = parts.rateOf('break-glass', rate);
  }

  async open(caller: Caller, asked: OpenRequest): Promise<BreakGlassOpened> {
    const { principal } = caller;
    await requirePerson(this.#parts, caller, asked.member);
    requireAuthentication(principal, this.login, this.#parts.clock.now());
    const person = JSON.stringify([principal.tenant, principal.subject]);
    if (!(await this.#tries.take(person))) throw tooOften();
    await requireOpener(this.#parts, caller, asked.member);
    return await this.#inTurn(person, async () => {
      this.#requireRoom(caller, asked.member);
      const made = this.#caseOf(caller, asked);
      await this.#write('opened', made, saysOf(made), caller);
      await this.#grant(caller, made);
      this.notices.opened(made);
      const { id, member, until } = made;
      return { id, member, until };
    });
  }

  async own({ principal }: Caller): Promise<BreakGlassCase[]> {
    const nowMs = this.#parts.clock.now();
    if (principal.kind !== 'user' || principal.actor !== undefined) return [];
    return this.#of(principal.tenant)
      .filter((one) => one.person === principal.subject && isOpen(one, nowMs))
      .map((one) => caseAt(one, nowMs));
  }

  async queue(caller: Caller, { filter, limit, cursor }: QueueQuery): Promise<BreakGlassPage> {
    await requireOfficer(this.#parts, caller);
    const { tenant } = caller.principal;
    const nowMs = this.#parts.clock.now();
    const all = this.#of(tenant);
    const from = cursor === undefined ? -1 : all.findIndex(({ id }) => id === cursor);
    if (cursor !== undefined && from < 0) {
      throw new Fault('INVALID_ARGUMENT', { detail: 'cursor: not that of a page.' });
    }
    const rest = all.slice(from + 1).filter((one) => fits(one, filter, nowMs));
    const page = rest.slice(0, limit);
    await this.#parts.audit.append({
      ...{ action: 'break-glass', outcome: 'success', ...caller },
      what: [{ uri: `organization:${tenant}` }],
      why: `break-glass cases listed: ${filter}`,
    });
    const last = page.at(-1);
    return {
      cases: page.map((one) => caseAt(one, nowMs)),
      ...(rest.length > page.length && last && { next: last.id }),
    };
  }

  async end(caller: Caller, id: string): Promise<BreakGlassCase> {
    const { clock } = this.#parts;
    await requirePerson(this.#parts, caller);
    return await this.#inTurn(id, async () => {
      const found = await this.#find(caller, id);
      if (!isOpen(found, clock.now())) return caseAt(found, clock.now());
      await this.#parts.relations.write(
        [emergencyRelation('delete', found)],
        actorName(caller.principal),
      );
      const says = { at: this.#now(), by: caller.principal.subject };
      await this.#write('ended', found, says, caller);
      await this.#record(caller, found, `break-glass ended by ${says.by} (case ${id})`);
      const ended = { ...found, ended: says.at, endedBy: says.by };
      this.notices.ended(ended);
      return caseAt(ended, clock.now());
    });
  }

  async review(caller: Caller, id: string, asked: ReviewRequest): Promise<BreakGlassCase> {
    await requireOfficer(this.#parts, caller);
    return await this.#inTurn(id, async () => {
      const found = await this.#find(caller, id);
      const nowMs = this.#parts.clock.now();
      const { subject: by } = caller.principal;
      if (found.person === by) throw conflict('Nobody reviews what they opened themself.');
      if (found.review !== undefined) throw conflict('The case is reviewed already.');
      if (isOpen(found, nowMs)) throw conflict('The case is open: end it first.');
      const { outcome, text = '' } = asked;
      const at = this.#now();
      await this.#write('reviewed', found, { outcome, text, by, at }, caller);
      await this.#record(caller, found, `break-glass reviewed: ${outcome} (case ${id})`);
      const review = { outcome, ...(text !== '' && { text }), by, at };
      const reviewed = { ...found, review };
      this.notices.reviewed(reviewed);
      return caseAt(reviewed, nowMs);
    });
  }

  /** @throws Fault CONFLICT where the person has one on the member, or too many */
  #requireRoom({ principal }: Caller, member: string): void {
    const nowMs = this.#parts.clock.now();
    const open = this.#of(principal.tenant).filter(
      (one) => one.person === principal.subject && isOpen(one, nowMs),
    );
    const same = open.find((one) => one.member === member);
    if (same !== undefined) {
      const { id, until } = same;
      const detail = `The record is open to you until ${until} already (case ${id}).`;
      throw new Fault('CONFLICT', { detail, data: { id, until } });
    }
    const { openPerPersonMax } = LIMITS.breakGlass;
    if (open.length >= openPerPersonMax) {
      throw conflict(`You have ${openPerPersonMax} open cases: end one of them first.`);
    }
  }

  #caseOf({ principal }: Caller, { member, reason, text, minutes }: OpenRequest): Kept {
    const nowMs = this.#parts.clock.now();
    const lifeMs = (minutes ?? LIMITS.breakGlass.minutesDefault) * MINUTE_MS;
    // SpiceDB keeps whole seconds: never later than what was said.
    const until = `${new Date(nowMs + lifeMs).toISOString().slice(0, 19)}Z`;
    const { tenant, subject: person, clientId: client } = principal;
    const opened = new Date(nowMs).toISOString();
    return { id: randomId(), tenant, member, until, person, client, reason, text, opened };
  }

  /** The audit first; what SpiceDB does not commit is no open case. */
  async #grant(caller: Caller, made: Kept): Promise<void> {
    const { id, until, reason } = made;
    const words = `${reason}, ${reasonWords(reason)}`;
    try {
      await this.#record(caller, made, `break-glass opened until ${until}: ${words} (case ${id})`);
      const change = emergencyRelation('touch', made);
      await this.#parts.relations.write([change], actorName(caller.principal));
    } catch (error) {
      await this.#takeBack(caller, made).catch(this.#parts.onTrouble);
      throw error;
    }
  }

  /** It may be in force all the same: then it is no longer, or ends by itself. */
  async #takeBack(caller: Caller, made: Kept): Promise<void> {
    const says = { at: this.#now(), by: 'nobody: it was not in force' };
    await this.#write('ended', made, says, caller);
    const why = `break-glass not opened: the right is not in force (case ${made.id})`;
    await this.#record(caller, made, why, 'failed');
    const change = emergencyRelation('delete', made);
    await this.#parts.relations.write([change], actorName(caller.principal));
  }

  /** In the log, and in this instance's view. */
  async #write(
    step: CaseStep,
    of: Kept,
    says: Readonly<Record<string, string>>,
    { principal }: Caller,
  ): Promise<void> {
    const { intake, view } = this.#parts;
    const place = await intake.submitRecord(stepRecord(step, of, says, actorName(principal)));
    if (place.offset < 0 || (await view.waitFor(place, VIEW_WAIT_MS))) return;
    throw new Fault('VIEW_BEHIND', { detail: 'It is in the log, and the view is behind: again.' });
  }

  async #record(
    caller: Caller,
    { member }: Kept,
    why: string,
    outcome: 'success' | 'failed' = 'success',
  ): Promise<void> {
    const what = [{ uri: `member:${member}` }];
    await this.#parts.audit.append({ action: 'break-glass', outcome, ...caller, what, why });
  }

  /** One that is somebody else's is found by officers alone. @throws Fault NOT_FOUND */
  async #find(caller: Caller, id: string): Promise<Kept> {
    const { principal } = caller;
    const officer = await isOfficer(this.#parts, principal);
    const found = this.#of(principal.tenant).find((one) => one.id === id);
    const isOwn = principal.actor === undefined && found?.person === principal.subject;
    if (found !== undefined && (officer || isOwn)) return found;
    throw new Fault('NOT_FOUND', { detail: 'There is no such case, or it is not for you.' });
  }

  #of(tenant: string): Kept[] {
    return casesIn(this.#parts.view).filter((one) => one.tenant === tenant);
  }

  #now(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }

  #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#turns.set(key, mine);
    const leave = (): void => {
      if (this.#turns.get(key) === mine) this.#turns.delete(key);
    };
    mine.then(leave, leave);
    return mine;
  }
}

function saysOf({ person, client, reason, text, opened, until }: Kept) {
  return { person, client, reason, text, opened, until };
}

function fits(one: Kept, filter: BreakGlassFilter, nowMs: number): boolean {
  if (filter === 'open') return isOpen(one, nowMs);
  return filter === 'all' || one.review === undefined;
}

function conflict(detail: string): Fault {
  return new Fault('CONFLICT', { detail });
}

function tooOften(): Fault {
  const { triesPerHour } = LIMITS.breakGlass;
  const detail = `Nobody breaks the glass more than ${triesPerHour} times an hour: ask for a relation.`;
  return new Fault('RATE_LIMITED', { detail });
}
