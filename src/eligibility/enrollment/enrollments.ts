import { createHmac } from 'node:crypto';
import type { CheckAnswer } from '../../contract/eligibility.ts';
import type { Enrollment, EnrollmentBody, EnrollmentStep } from '../../contract/enrollments.ts';
import { ID_PATTERN, parseUri } from '../../contract/uris.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { base32, randomId } from '../../kernel/ids.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type {
  Access,
  Audit,
  CheckJournal,
  CheckStep,
  HoldingIntake,
  Place,
  StoredSource,
  View,
} from '../../twin/ports.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { CheckDesk } from '../desk/desk.ts';
import { documentOf, requireCheck } from '../door.ts';
import { type CheckTable, isTerminal } from '../journal/table.ts';
import { type Decided, decided, type Said } from './decide.ts';
import { ENROLLMENT_TYPE, type Enrolling, enrollingOf, resourceOf } from './record.ts';

export interface EnrollmentParts {
  readonly checks: Pick<CheckDesk, 'check'>;
  readonly table: Pick<CheckTable, 'get'>;
  readonly journal: Pick<CheckJournal, 'accept' | 'onSteps' | 'onEvents'>;
  readonly intake: Pick<HoldingIntake, 'submitRecord'>;
  readonly view: Pick<View, 'for' | 'partitionOf' | 'waitFor'>;
  readonly access: Pick<Access, 'check'>;
  readonly audit: Audit;
  readonly positionOf: (place: Place) => string;
  readonly clock: Clock;
  /** Of this deployment: ids made of idempotency keys say nothing about them. */
  readonly secret: Uint8Array;
  readonly report: (error: unknown) => void;
}

export interface EnrollmentDesk {
  /** @throws Fault NOT_FOUND where the caller may not check this member */
  submit(caller: Caller, body: EnrollmentBody): Promise<Enrollment>;
  /** @throws Fault NOT_FOUND for one that is not there or not for the caller */
  get(caller: Caller, id: string): Promise<Enrollment>;
}

/** How long a second question may take, with nobody waiting. */
const AGAIN_MS = 2 * 3_600_000;
/** Ends that are looked at again when an instance starts. */
const REPLAYED_MS = 3_600_000;

/**
 * Enrollments that do not fail because a payer is slow: `pending` until its answer, which finalises
 * them wherever it arrives. They stand in the member's record with their history, so every instance
 * knows them, and whoever subscribed to the coverage document is told.
 */
export class Enrollments implements EnrollmentDesk {
  readonly #parts: EnrollmentParts;

  constructor(parts: EnrollmentParts) {
    this.#parts = parts;
    const { journal, clock } = parts;
    journal.onSteps((steps) => {
      const since = clock.now() - REPLAYED_MS;
      for (const step of steps) if (isTerminal(step.state) && step.at > since) this.#heard(step);
    });
    // An answer that comes after the time-out changes no step, and is told as an event alone.
    journal.onEvents((events) => {
      for (const event of events) {
        if (event.kind !== 'completed' || !event.late) continue;
        const { tenant, member, checkId, status } = event;
        this.#heard({ tenant, member, checkId, state: 'completed', status });
      }
    });
  }

  async submit(caller: Caller, body: EnrollmentBody): Promise<Enrollment> {
    const { principal } = caller;
    const { member, coverage, program, serviceTypes, serviceDate, idempotencyKey } = body;
    const id = `${member}.${this.#keyOf(principal.tenant, principal.subject, idempotencyKey)}`;
    const answer = await this.#parts.checks.check(caller, {
      ...{ member, mode: 'DEFAULT', waitMs: 0 },
      ...(coverage !== undefined && { coverage }),
      ...(serviceTypes !== undefined && { serviceTypes }),
      ...(serviceDate !== undefined && { serviceDate }),
      ...(idempotencyKey !== undefined && { idempotencyKey: `enrollment ${id}`.slice(-100) }),
    });
    const known = this.#read(principal.tenant, id);
    if (known !== undefined) return toldOf(id, known);
    const first = this.#stepOf(decided(saidBy(answer)));
    const enrolling: Enrolling = {
      ...{ member, program, checkId: answer.checkId, steps: [first] },
      ...(coverage !== undefined && { coverage }),
    };
    const place = await this.#write(principal.tenant, id, enrolling, 'asked');
    if (first.state !== 'pending' || place === undefined) {
      return { ...toldOf(id, enrolling), ...this.#positionOf(place) };
    }
    // The answer may have come before the record could be found by whoever hears of it.
    await this.#parts.view.waitFor(place, LIMITS.readWaitMs).catch(() => false);
    await this.#lookAgain(principal.tenant, id);
    return {
      ...toldOf(id, this.#read(principal.tenant, id) ?? enrolling),
      ...this.#positionOf(place),
    };
  }

  async get(caller: Caller, id: string): Promise<Enrollment> {
    const { tenant } = caller.principal;
    const options = { also: 'an enrollment', refusal: noSuchEnrollment };
    await requireCheck(this.#parts, caller, memberIn(id), options);
    await this.#lookAgain(tenant, id);
    const found = this.#read(tenant, id);
    if (found === undefined) throw noSuchEnrollment();
    return toldOf(id, found);
  }

  #keyOf(tenant: string, subject: string, key: string | undefined): string {
    if (key === undefined) return randomId();
    return this.#hash('enrollment', tenant, subject, key);
  }

  #hash(...parts: readonly string[]): string {
    const digest = createHmac('sha256', this.#parts.secret).update(JSON.stringify(parts)).digest();
    return base32(digest.subarray(0, 16));
  }

  #stepOf({ state, reason }: Decided): EnrollmentStep {
    return { at: new Date(this.#parts.clock.now()).toISOString(), state, reason };
  }

  #positionOf(place: Place | undefined): { position?: string } {
    return place === undefined ? {} : { position: this.#parts.positionOf(place) };
  }

  #source(tenant: string, id: string): StoredSource | undefined {
    const { view } = this.#parts;
    const subject = { kind: 'member', id: memberIn(id) } as const;
    const shard = view.for(view.partitionOf(subject));
    if (shard.tenantOf(subject) !== tenant) return undefined;
    return shard.source(subject, ENROLLMENT_TYPE, idIn(id));
  }

  #read(tenant: string, id: string): Enrolling | undefined {
    return enrollingOf(this.#source(tenant, id)?.resource);
  }

  /** A record of the member; the same event has no second effect. */
  async #write(
    tenant: string,
    id: string,
    enrolling: Enrolling,
    event: string,
  ): Promise<Place | undefined> {
    const written = await this.#parts.intake.submitRecord({
      ...{ tenant, subject: { kind: 'member', id: enrolling.member }, type: ENROLLMENT_TYPE },
      ...{ id: idIn(id), resource: resourceOf(idIn(id), enrolling), names: {} },
      provenance: { source: 'enrollment', actor: 'system:eligibility' },
      eventId: `enrollment ${id} ${event}`,
    });
    return 'held' in written ? undefined : written;
  }

  #heard(step: Ended): void {
    this.#finalise(step).catch(this.#parts.report);
  }

  /** Every enrollment of the member that waits for this check, or waited for it in vain. */
  async #finalise(step: Ended): Promise<void> {
    for (const [id, enrolling] of this.#of(step.tenant, step.member)) {
      const { checkId, earlier = [] } = enrolling;
      const isLate = earlier.includes(step.checkId) && step.state === 'completed';
      if (checkId !== step.checkId && !isLate) continue;
      await this.#settle(step.tenant, id, enrolling, step);
    }
  }

  #of(tenant: string, member: string): [id: string, enrolling: Enrolling][] {
    const { view } = this.#parts;
    const subject = { kind: 'member', id: member } as const;
    const shard = view.for(view.partitionOf(subject));
    if (shard.tenantOf(subject) !== tenant) return [];
    const sections = new Map([['coverage', 'full']] as const);
    return shard.facts({ subject, sections }, [ENROLLMENT_TYPE]).flatMap(({ uri }) => {
      const parsed = parseUri(uri);
      if (parsed?.kind !== 'source') return [];
      const found = enrollingOf(shard.source(subject, parsed.type, parsed.id)?.resource);
      return found === undefined ? [] : [[`${member}.${parsed.id}`, found] as const];
    }) as [string, Enrolling][];
  }

  async #settle(tenant: string, id: string, enrolling: Enrolling, step: Ended): Promise<void> {
    const last = enrolling.steps.at(-1);
    const isOpen = last?.state === 'pending' || last?.reason === 'no-answer';
    if (!isOpen) return;
    const verdict = decided(saidBy(step));
    if (last.state === verdict.state && last.reason === verdict.reason) return;
    const again = verdict.askAgain === true ? await this.#askAgain(id, enrolling) : undefined;
    const next: Decided =
      again === undefined ? verdict : { state: 'pending', reason: 'asked-again' };
    await this.#write(
      tenant,
      id,
      {
        ...enrolling,
        ...(again !== undefined && { checkId: again, earlier: [enrolling.checkId] }),
        steps: [...enrolling.steps, this.#stepOf(next)],
      },
      `${step.checkId} ${next.state} ${next.reason}`,
    );
  }

  /**
   * Once, with nobody waiting: by the question that was permitted, under an id that is the same
   * whoever of the instances asks.
   */
  async #askAgain(id: string, { checkId }: Enrolling): Promise<string | undefined> {
    const { table, journal, clock } = this.#parts;
    const again = this.#hash('again', id);
    const request = table.get(checkId)?.request;
    if (again === checkId || request === undefined) return undefined;
    if (table.get(again) === undefined) {
      const { tenant, member } = request;
      const at = clock.now();
      const asked = { ...request, class: 'async' as const, until: at + AGAIN_MS };
      const about = { eventId: randomId(), at, checkId: again, tenant, member };
      await journal.accept([{ ...about, state: 'accepted', attempt: 0, request: asked }]);
    }
    return again;
  }

  /** What was missed while nobody listened. */
  async #lookAgain(tenant: string, id: string): Promise<void> {
    const enrolling = this.#read(tenant, id);
    if (enrolling === undefined) return;
    const end = this.#parts.table.get(enrolling.checkId);
    if (end !== undefined && isTerminal(end.state)) {
      await this.#settle(tenant, id, enrolling, end.newest);
    }
  }
}

type Ended = Pick<CheckStep, 'tenant' | 'member' | 'checkId' | 'state'> &
  Partial<Pick<CheckStep, 'status' | 'reason' | 'followUp'>>;

function saidBy(given: CheckAnswer | Ended): Said {
  if (!('state' in given)) return given;
  const { state, status, reason, followUp } = given;
  const ended = state === 'completed' || state === 'failed' || state === 'timed-out';
  return {
    status: ended ? state : 'processing',
    ...(status !== undefined && { eligibility: status }),
    ...(reason !== undefined && { reason }),
    ...(followUp !== undefined && { followUp }),
  };
}

/** `demo-ana.4q…`: the member first, so that any instance finds it. */
function memberIn(id: string): string {
  const [member = '', own = '', ...more] = id.split('.');
  if (!ID_PATTERN.test(member) || !OWN.test(own) || more.length > 0) throw noSuchEnrollment();
  return member;
}

const OWN = /^[a-z2-7]{26}$/;

function idIn(id: string): string {
  return id.split('.')[1] ?? '';
}

function noSuchEnrollment(): Fault {
  return new Fault('NOT_FOUND', { detail: 'There is no such enrollment, or it is not for you.' });
}

function toldOf(id: string, { member, program, checkId, steps }: Enrolling): Enrollment {
  const last = steps.at(-1) ?? steps[0];
  return {
    ...{ id, member, program, state: last.state, reason: last.reason, checkId },
    ...{ history: steps, document: documentOf(member) },
  };
}
