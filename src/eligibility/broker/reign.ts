import { inBatches } from '../../kernel/batches.ts';
import type { Timer } from '../../kernel/clock.ts';
import type { CheckEvent, CheckReign, CheckRequest, CheckStep } from '../../twin/ports.ts';
import { type CheckStanding, isTerminal } from '../journal/table.ts';
import type { Outcome } from '../ports.ts';
import { type Ending, Scheduler, type SchedulerStatus, type Ticket } from '../scheduler/index.ts';
import { Flights } from './flights.ts';
import { type Call, type Flown, flownBy, stepsOf, ticketOf } from './flown.ts';
import { type LandingParts, land, type Said, saidElsewhere } from './landing.ts';
import { aboutOf, Processing } from './processing.ts';
import { type FoundFlight, recover } from './recovery.ts';
import { endings, processingEvent } from './steps.ts';
import { Timers } from './timers.ts';
import { judge, type Verdict } from './verdict.ts';
import { sharing, stepOf, type Waiting, waitingOf } from './waiting.ts';

const BATCH = { itemsMax: 512, bytesMax: Number.POSITIVE_INFINITY };
const LOST = 'BROKER_LOST';

/**
 * One turn of deciding over checks, from what the journal says to the first thing that goes wrong;
 * whoever comes next, here or elsewhere, goes on from what was committed.
 */
export class Reign {
  readonly #parts: LandingParts;
  readonly #commit: CheckReign;
  readonly #scheduler: Scheduler;
  readonly #flights = new Flights<Flown>();
  readonly #byTicket = new Map<string, Flown>();
  readonly #taken = new Set<string>();
  readonly #processing: Processing;
  readonly #say: (said: Said) => Promise<undefined>;
  readonly #timers: Timers;
  #wake: Timer | undefined;
  #over = false;
  #stopping: Promise<void> | undefined;
  #end: (cause: unknown) => void = () => undefined;
  /** Resolves with what ended it, or with nothing where it was stopped. */
  readonly ended = new Promise<unknown>((resolve) => {
    this.#end = resolve;
  });

  constructor(parts: LandingParts, commit: CheckReign) {
    this.#parts = parts;
    this.#commit = commit;
    this.#timers = new Timers(parts.clock);
    this.#scheduler = new Scheduler(parts.settings.scheduler);
    this.#processing = new Processing(parts.facts, parts.report);
    const write = async (batch: readonly Said[]): Promise<undefined[]> => {
      const steps = batch.flatMap((one) => one.steps);
      const events = batch.flatMap((one) => one.events);
      if (steps.length + events.length > 0) await commit.commit(steps, events);
      return batch.map(() => undefined);
    };
    this.#say = inBatches<Said, undefined>(write, BATCH, () => 0);
  }

  /** Takes over what is open; then whatever is heard goes through `take`. */
  async start(): Promise<void> {
    const { table, clock, settings, unsaid } = this.#parts;
    const known = [...unsaid.values()].filter(({ checkId }) => {
      const standing = table.get(checkId);
      return standing !== undefined && !isTerminal(standing.state);
    });
    if (known.length > 0) await this.#commit.commit(known, []);
    const said = new Set(known.map(({ checkId }) => checkId));
    const now = clock.now();
    const open = table.open().filter(({ checkId }) => !said.has(checkId));
    const since = now - settings.skewMs;
    const { flights, slots } = recover(open, table.heldAfterEnd(since), since);
    for (const { id, payer, class: one, until } of slots) {
      this.#scheduler.hold(id, payer, one, clock.monotonic());
      this.#after(until + settings.skewMs - now, () => this.#release(id, 'unsaid'));
    }
    for (const found of flights) this.#resume(found);
    this.#tick();
    this.#pump();
  }

  /** Checks that were accepted; one that is known already is left alone. */
  take(standings: readonly CheckStanding[]): void {
    const now = this.#parts.clock.now();
    const steps: CheckStep[] = [];
    const events: CheckEvent[] = [];
    for (const standing of standings) {
      if (this.#over || this.#taken.has(standing.checkId)) continue;
      const one = waitingOf(standing);
      const waitMs = this.expectedWaitMs(one.class, one.request.payer);
      const flight = this.#board(one);
      const shared = sharing(flight, one);
      steps.push(stepOf(one, now, 'queued', { attempt: flight.attempt, ...shared }));
      events.push(processingEvent(one, now, waitMs));
    }
    this.#tell({ steps, events });
    this.#pump();
  }

  status(): SchedulerStatus {
    return this.#scheduler.status(this.#parts.clock.monotonic());
  }

  /** Until the answer. */
  expectedWaitMs(one: CheckRequest['class'], payer: string): number {
    const now = this.#parts.clock.monotonic();
    return Math.round(
      this.#scheduler.expectedWaitMs(one, payer, now) + this.#scheduler.callMs(payer),
    );
  }

  /** Nothing more is begun; calls under way end by themselves, and the twin has their answers. */
  stop(): Promise<void> {
    this.#over = true;
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#timers.cancel();
    this.#wake?.cancel();
    await this.#commit.end().catch(this.#parts.report);
    this.#end(undefined);
  }

  #board(one: Waiting): Flown {
    this.#taken.add(one.checkId);
    const shared = this.#flights.sharedBy(one);
    if (shared === undefined) return this.#begin(one);
    this.#parts.metrics.shared();
    if (this.#flights.board(shared, one)) this.#promote(shared);
    return shared;
  }

  /** A person waits for it now: it goes on at once, unless a call of it may be with the payer. */
  #promote(flight: Flown): void {
    const { clock } = this.#parts;
    if (flight.ticket !== undefined) {
      const ticket = this.#scheduler.promote(flight.ticket, flight.class, clock.monotonic());
      if (ticket !== undefined) flight.ticket = ticket;
    } else if (flight.timer !== undefined && (flight.heldUntil ?? 0) <= clock.now()) {
      flight.timer.cancel();
      flight.timer = undefined;
      this.#queue(flight);
    }
  }

  #begin(one: Waiting): Flown {
    const { checkId, request, acceptedAt } = one;
    const flight = flownBy(one, { attempt: 0, mayHaveReached: false });
    this.#flights.add(flight);
    this.#flights.board(flight, one);
    this.#processing.say(aboutOf(checkId, request, acceptedAt));
    this.#queue(flight);
    return flight;
  }

  #resume({ waiting, attempt, mayHaveReached, heldUntil }: FoundFlight): void {
    const { clock, settings } = this.#parts;
    const all = waiting.map(waitingOf);
    const [first] = all;
    if (first === undefined) return;
    const flight = flownBy(first, { attempt, mayHaveReached });
    flight.heldUntil = heldUntil;
    this.#flights.add(flight);
    for (const one of all) {
      this.#taken.add(one.checkId);
      this.#flights.board(flight, one);
    }
    if (!mayHaveReached) this.#queue(flight);
    else this.#later(flight, (heldUntil ?? 0) + settings.skewMs - clock.now(), LOST);
  }

  #queue(flight: Flown): void {
    const { clock } = this.#parts;
    const now = clock.monotonic();
    const ticket = ticketOf(flight, clock.now(), now);
    flight.ticket = ticket;
    this.#byTicket.set(ticket.id, flight);
    this.#scheduler.requeue(ticket, now);
  }

  #pump(): void {
    if (this.#over) return;
    const { clock, metrics } = this.#parts;
    const now = clock.monotonic();
    const granted = this.#scheduler.next(now);
    if (granted.length > 0) this.#start(granted);
    metrics.status(this.#scheduler.status(now));
    this.#wake?.cancel();
    const wakeAt = this.#scheduler.wakeAt(now);
    this.#wake = wakeAt === undefined ? undefined : clock.after(wakeAt - now, () => this.#pump());
  }

  /** `running until` is committed before the call; whoever was paused in between does not call. */
  #start(tickets: readonly Ticket[]): void {
    const { clock, clearinghouse, settings, shadow } = this.#parts;
    const begun = { wall: clock.now(), monotonic: clock.monotonic() };
    const shadowed = shadow?.on() === true;
    const callsMs = clearinghouse.timeoutMs * (shadowed ? 2 : 1);
    const until = begun.wall + settings.startMsMax + callsMs;
    const calls = tickets.flatMap((ticket) => this.#callOf(ticket, { until, shadowed }));
    const steps = calls.flatMap(({ flight }) => stepsOf(flight, 'running', begun.wall));
    const isLate = (): boolean =>
      clock.monotonic() - begun.monotonic > settings.startMsMax ||
      clock.now() - begun.wall > settings.startMsMax;
    const begin = (): void => {
      for (const call of calls) {
        if (this.#over || isLate()) this.#unsent(call);
        else this.#call(call);
      }
    };
    this.#say({ steps, events: [] }).then(begin, (error) => this.#fail(error));
  }

  #callOf(ticket: Ticket, { until, shadowed }: Pick<Call, 'until' | 'shadowed'>): Call[] {
    const { clock, questions, metrics } = this.#parts;
    const flight = this.#byTicket.get(ticket.id);
    if (flight === undefined) {
      this.#release(ticket.id, 'unsaid');
      return [];
    }
    flight.ticket = undefined;
    const question = questions.of(flight.request);
    if (question === undefined) {
      this.#release(ticket.id, 'unsaid');
      const outcome = { kind: 'unavailable', why: 'unreadable', reached: 'no' } as const;
      this.#land(flight, { kind: 'failed', reason: 'NOT_ENOUGH_KNOWN' }, outcome);
      return [];
    }
    flight.calling = true;
    flight.heldUntil = until;
    flight.attempt += 1;
    flight.calls += 1;
    metrics.started(flight.class, flight.request.payer, clock.monotonic() - ticket.since);
    return [{ flight, ticket, question, until, shadowed }];
  }

  #unsent({ flight, ticket }: Call): void {
    this.#release(ticket.id, 'unsaid');
    flight.calling = false;
    flight.heldUntil = undefined;
    flight.calls -= 1;
    if (!this.#over) this.#later(flight, 0, 'PAUSED');
  }

  #call(call: Call): void {
    const { clearinghouse, report, clock } = this.#parts;
    const since = clock.monotonic();
    clearinghouse
      .check(call.question)
      .catch((error: unknown): Outcome => {
        report(error);
        return { kind: 'unavailable', why: 'connection', reached: 'maybe' };
      })
      .then((outcome) => this.#answered(call, outcome, clock.monotonic() - since))
      .catch((error: unknown) => this.#fail(error));
  }

  async #answered(call: Call, outcome: Outcome, heldMs: number): Promise<void> {
    const { flight, ticket, until } = call;
    const { settings, metrics, clock, random = Math.random } = this.#parts;
    const judging = { class: flight.class, calls: flight.calls, retries: settings.retries, random };
    const { verdict, ending, slotFree, mayHaveReachedPayer } = judge(outcome, judging);
    metrics.called(flight.request.payer, ending, heldMs);
    if (outcome.kind === 'rejected') {
      for (const { code } of outcome.rejections) metrics.rejected(code);
    }
    flight.calling = false;
    flight.heldUntil = slotFree ? undefined : until;
    flight.mayHaveReached ||= mayHaveReachedPayer;
    if (ending === 'throttled') flight.calls -= 1;
    if (!slotFree) this.#after(until - clock.now(), () => this.#release(ticket.id, ending));
    else if (call.shadowed && outcome.reached === 'yes') this.#compare(call, outcome, ending);
    else this.#release(ticket.id, ending);
    if (verdict.kind === 'retry') {
      if (!this.#over) this.#retry(call, verdict, outcome);
    } else if (!this.#over) this.#land(flight, verdict, outcome);
    // Nobody hears it in the journal, but the twin has it, and whoever asks is told.
    else await land(this.#parts, this.#processing, flight, verdict, outcome);
  }

  /** In the slot that it has, for which `running until` was committed. */
  #compare({ flight, ticket, question, until }: Call, outcome: Outcome, ending: Ending): void {
    const { shadow, report } = this.#parts;
    flight.heldUntil = until;
    const comparing = shadow?.compare(question, outcome) ?? Promise.resolve();
    comparing.catch(report).finally(() => this.#release(ticket.id, ending));
  }

  /** Where the question may be with the payer and nobody answered, it is asked again only after T. */
  #retry(
    { flight, until }: Call,
    { afterMs, reason }: Verdict & { kind: 'retry' },
    outcome: Outcome,
  ): void {
    const silent = outcome.kind === 'unavailable' && outcome.reached !== 'no';
    const waitMs = silent ? Math.max(afterMs, until - this.#parts.clock.now()) : afterMs;
    if (flight.passengers.size === 0) this.#land(flight, { kind: 'timed-out' }, outcome);
    else this.#later(flight, waitMs, reason);
  }

  #later(flight: Flown, waitMs: number, reason: string): void {
    const steps = stepsOf(flight, 'retrying', this.#parts.clock.now(), reason);
    this.#tell({ steps, events: [] });
    flight.timer = this.#after(Math.max(0, waitMs), () => {
      flight.timer = undefined;
      this.#again(flight, reason === LOST).catch((error: unknown) => this.#fail(error));
    });
  }

  /** A former broker may have had an answer that it could not say any more. */
  async #again(flight: Flown, lost: boolean): Promise<void> {
    if (lost) await this.#askElsewhere(flight);
    if (this.#over || this.#flights.get(flight.id) !== flight) return;
    if (flight.passengers.size === 0) this.#flights.end(flight);
    else this.#queue(flight);
    this.#pump();
  }

  async #askElsewhere(flight: Flown): Promise<void> {
    for (const { checkId } of flight.passengers.values()) {
      const standing = await saidElsewhere(this.#parts, checkId);
      if (standing === undefined || this.#over) continue;
      flight.passengers.delete(checkId);
      this.#tell({ steps: [standing], events: [] });
    }
  }

  /** Its last call has ended: nobody boards any more. */
  #land(flight: Flown, verdict: Exclude<Verdict, { kind: 'retry' }>, outcome: Outcome): void {
    this.#flights.end(flight);
    land(this.#parts, this.#processing, flight, verdict, outcome)
      .then(async (said) => {
        if (!this.#over) await this.#say(said);
        for (const { checkId } of said.steps) this.#taken.delete(checkId);
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #tick(): void {
    const { clock, settings } = this.#parts;
    for (const flight of this.#flights.all()) {
      const isOver = ({ request }: Waiting): boolean => request.until <= clock.now();
      if ([...flight.passengers.values()].some(isOver)) {
        this.#timeOut(flight, isOver).catch((error: unknown) => this.#fail(error));
      }
    }
    this.#pump();
    this.#after(settings.tickMs, () => this.#tick());
  }

  /** Whoever's time is over leaves; the flight goes on for the others, and until its call ends. */
  async #timeOut(flight: Flown, isOver: (one: Waiting) => boolean): Promise<void> {
    const { clock, metrics } = this.#parts;
    if (flight.mayHaveReached) await this.#askElsewhere(flight);
    if (this.#over || this.#flights.get(flight.id) !== flight) return;
    const over = [...flight.passengers.values()].filter(isOver);
    if (flight.passengers.size === over.length && !flight.calling) {
      if (flight.ticket !== undefined) this.#withdraw(flight.ticket);
      flight.timer?.cancel();
      const reached = flight.mayHaveReached ? 'maybe' : 'no';
      const outcome = { kind: 'unavailable', why: 'time-out', reached } as const;
      this.#land(flight, { kind: 'timed-out' }, outcome);
      return;
    }
    for (const one of over) {
      flight.passengers.delete(one.checkId);
      if (flight.calling) flight.late.push(one);
      metrics.ended('timed-out', one.class);
    }
    this.#tell(endings(flight, over, { kind: 'timed-out' }, { at: clock.now() }));
  }

  #withdraw(ticket: Ticket): void {
    this.#byTicket.delete(ticket.id);
    this.#scheduler.remove(ticket);
  }

  #tell(said: Said): void {
    if (said.steps.length + said.events.length === 0) return;
    this.#say(said).catch((error: unknown) => this.#fail(error));
  }

  #release(ticketId: string, ending: Ending): void {
    this.#byTicket.delete(ticketId);
    this.#scheduler.settle(ticketId, ending, this.#parts.clock.monotonic());
    queueMicrotask(() => this.#pump());
  }

  #after(delayMs: number, task: () => void): Timer {
    return this.#timers.after(delayMs, () => {
      if (!this.#over) task();
    });
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#end(error);
  }
}
