import type { Clock } from '../kernel/clock.ts';
import { LIMITS } from '../kernel/limits.ts';
import type {
  AccessChange,
  CheckItem,
  Decision,
  ObjectRef,
  Principal,
  RelationChange,
  Relationship,
} from '../twin/ports.ts';
import { type AskerParts, answered, ask, renew } from './decisions-asker.ts';
import { ExpiryIndex } from './decisions-expiry.ts';
import { type Explanation, explain } from './decisions-explain.ts';
import { type Fact, FactCache, questionKey } from './decisions-facts.ts';
import { Finder } from './decisions-finder.ts';
import { Follower } from './decisions-follower.ts';
import { LookupCache } from './decisions-lookups.ts';
import { Flights, reachOf } from './decisions-reach.ts';
import { Renewals } from './decisions-renewals.ts';
import { mayBe, Suspensions, suspendedBy, suspensionQuestions } from './decisions-suspended.ts';
import { type Condition, conditionOf, EMERGENCY, trustOf } from './decisions-trust.ts';
import type { Decisions, DecisionsOptions } from './decisions-types.ts';
import { Withheld } from './decisions-withheld.ts';
import type { CheckQuery, Engine } from './spicedb/engine.ts';
import { gatheredChecks } from './spicedb/gathered.ts';

export type { Decisions, WriterSide } from './decisions-types.ts';

/** The one who decides (design §5): the newest revision this instance has seen, or no. */
export function createDecisions(options: DecisionsOptions): Decisions {
  return new Decider(options);
}

class Decider implements Decisions {
  readonly name = 'access-decisions';
  readonly #engine: Engine;
  readonly #check: Engine['check'];
  readonly #clock: Clock;
  readonly #cache: FactCache;
  readonly #lookups: LookupCache;
  readonly #finder: Finder;
  readonly #renewals: Renewals;
  readonly #flights = new Flights();
  readonly #withheld = new Withheld();
  readonly #expiry: ExpiryIndex;
  readonly #suspensions = new Suspensions();
  readonly #follower: Follower;
  readonly #listeners = new Set<(change: AccessChange) => void>();
  readonly #expiryListeners = new Set<() => void>();

  readonly #onTrouble: (error: unknown) => void;
  readonly #onDecision: (hit: boolean) => void;

  constructor({
    engine,
    clock,
    onTrouble = () => undefined,
    onDecision = () => undefined,
  }: DecisionsOptions) {
    this.#onTrouble = onTrouble;
    this.#onDecision = onDecision;
    this.#engine = engine;
    this.#check = gatheredChecks(engine);
    this.#clock = clock;
    this.#cache = new FactCache({
      entriesMax: LIMITS.decisionCacheEntriesMax,
      ttlMs: LIMITS.decisionTtlMs,
      now: () => clock.monotonic(),
    });
    this.#lookups = new LookupCache({
      ttlMs: LIMITS.decisionTtlMs,
      now: () => clock.monotonic(),
    });
    this.#renewals = new Renewals(
      clock,
      (questions) => answered(clock, LIMITS.lookupTimeoutMs, renew(this.#asking, questions)),
      onTrouble,
    );
    this.#expiry = new ExpiryIndex(clock, (relationship) => this.#expire(relationship));
    this.#follower = new Follower({
      engine,
      clock,
      onChanges: (changes) => this.#changed(changes),
      onOffset: (offset) => {
        this.#withheld.passed(offset);
        this.#suspensions.passed(offset);
      },
      onFresh: ({ expiring, suspended }, newer) => {
        this.#expiry.load(expiring, newer);
        const found = this.#suspensions.load(suspended, newer);
        this.#tellSuspended(found.map((relationship) => ({ operation: 'touch', relationship })));
        this.#everything();
      },
      onTrouble: (error) => {
        // What is cached was guarded by the Watch that is gone.
        this.#cache.clear();
        onTrouble(error);
      },
    });
    this.#finder = new Finder({
      engine,
      clock,
      onTrouble,
      follower: this.#follower,
      lookups: this.#lookups,
      flights: this.#flights,
      holding: async (questions) => {
        const facts = await this.#ask(questions);
        return questions.filter((one) => this.#holds([one], facts));
      },
    });
  }

  get sure(): boolean {
    return this.#follower.sure;
  }

  start(): Promise<void> {
    return this.#follower.start();
  }

  async stop(): Promise<void> {
    this.#follower.stop();
    this.#renewals.stop();
    this.#expiry.stop();
  }

  check(principal: Principal, items: readonly CheckItem[]): Promise<Decision[]> {
    return answered(this.#clock, LIMITS.checkTimeoutMs, this.#decide(principal, items));
  }

  known(principal: Principal, items: readonly CheckItem[]): Decision[] | undefined {
    if (!this.#follower.sure || this.isSuspended(principal)) return undefined;
    const conditions = items.map((item) => conditionOf(principal, item));
    const facts = new Map<string, Fact>();
    for (const question of conditions.flat(2)) {
      const fact = this.#known(question);
      if (fact === undefined) return undefined;
      if (this.#cache.ages(question)) this.#renewals.add(question);
      facts.set(questionKey(question), fact);
    }
    for (let count = facts.size; count > 0; count -= 1) this.#onDecision(true);
    return conditions.map((condition) => this.#judge(condition, facts));
  }

  async #decide(principal: Principal, items: readonly CheckItem[]): Promise<Decision[]> {
    const conditions = items.map((item) => conditionOf(principal, item));
    const closed = this.#follower.sure ? [] : suspensionQuestions(principal);
    const facts = await this.#ask([...closed, ...conditions.flat(2)]);
    const suspended = this.isSuspended(principal) || closed.some((one) => mayBe(one, facts));
    return conditions.map((condition) => {
      const decision = this.#judge(condition, facts);
      return suspended ? { ...decision, allowed: false } : decision;
    });
  }

  #judge(condition: Condition, facts: ReadonlyMap<string, Fact>): Decision {
    const allowed = condition.every((group) => this.#holds(group, facts));
    const [first] = condition.flat();
    const fact = first && facts.get(questionKey(first));
    return { allowed, revision: fact?.revision ?? this.#follower.newest };
  }

  /** What has ended or is withheld is judged last, at the moment of the answer. */
  #holds(group: readonly CheckQuery[], facts: ReadonlyMap<string, Fact>): boolean {
    return group.some(
      (question) =>
        facts.get(questionKey(question))?.allowed === true &&
        !this.#isDenied(question.subject, question.object),
    );
  }

  #isDenied(subject: ObjectRef, object: ObjectRef): boolean {
    return this.#expiry.denies(subject, object) || this.#withheld.denies(subject, object);
  }

  lookup(principal: Principal, permission: string, type: string): Promise<string[]> {
    const found = this.#lookup(principal, permission, type);
    return answered(this.#clock, LIMITS.lookupTimeoutMs, found);
  }

  async #lookup(principal: Principal, permission: string, type: string): Promise<string[]> {
    const { actor, kind } = principal;
    if (kind === 'agent' && (actor !== undefined || type !== 'session')) return [];
    const untrusted = actor === undefined || permission === EMERGENCY;
    const trust = untrusted ? undefined : trustOf(principal, actor, permission, type);
    const trusted = async (): Promise<boolean> =>
      trust === undefined || this.#holds(trust, await this.#ask(trust));
    if (!(await trusted()) || (await this.#isClosed(principal))) return [];
    const subject: ObjectRef = { type: kind, id: principal.subject };
    const ids = await this.#finder.find(subject, permission, type);
    // A look-up takes its time, and trust may have ended meanwhile.
    if (!(await trusted()) || (await this.#isClosed(principal))) return [];
    return ids.filter((id) => !this.#isDenied(subject, { type, id }));
  }

  isSuspended(principal: Principal): boolean {
    return this.#suspensions.denies(principal);
  }

  async #isClosed(principal: Principal): Promise<boolean> {
    const questions = this.#follower.sure ? [] : suspensionQuestions(principal);
    const facts = await this.#ask(questions);
    return this.isSuspended(principal) || questions.some((one) => mayBe(one, facts));
  }

  #ask(questions: readonly CheckQuery[]): Promise<ReadonlyMap<string, Fact>> {
    return ask(this.#asking, questions);
  }

  /**
   * Good only while Watch is heard. Breaking the glass always ends by itself, so it is known of whom
   * there is such a relation: of the others, which are nearly all, nobody has to be asked at each read.
   */
  #known(question: CheckQuery): Fact | undefined {
    const { subject, permission, object } = question;
    if (permission !== EMERGENCY || this.#expiry.has(subject, permission, object)) {
      return this.#cache.get(question);
    }
    return { allowed: false, revision: this.#follower.newest };
  }

  get #asking(): AskerParts {
    return {
      check: this.#check,
      clock: this.#clock,
      follower: this.#follower,
      cache: {
        get: (question) => this.#known(question),
        put: (...known) => this.#cache.put(...known),
        clear: () => this.#cache.clear(),
      },
      flights: this.#flights,
      onDecision: this.#onDecision,
    };
  }

  explain(subject: ObjectRef, permission: string, object: ObjectRef): Promise<Explanation> {
    const found = explain(this.#engine, { subject, permission, object });
    const now = found.then((one) => ({
      ...one,
      allowed: one.allowed && !this.#isDenied(subject, object),
    }));
    return answered(this.#clock, LIMITS.lookupTimeoutMs, now);
  }

  async explainTrust(
    person: ObjectRef,
    agent: { readonly id: string; readonly tenant: string },
    { permission, object }: CheckItem,
  ): Promise<{ by: string; holds: boolean }[]> {
    const of = { subject: person.id, tenant: agent.tenant };
    const questions = trustOf(of, agent.id, permission, object.type);
    const facts = await answered(this.#clock, LIMITS.lookupTimeoutMs, this.#ask(questions));
    return questions.map((one) => ({
      by: `${one.object.type}:${one.object.id} ${one.permission}`,
      holds: this.#holds([one], facts),
    }));
  }

  onChange(listener: (change: AccessChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  announce(change: AccessChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#onTrouble(error);
      }
    }
  }

  committed(changes: readonly RelationChange[], offset: number, by: 'us' | 'another' = 'us'): void {
    this.#withheld.passed(offset);
    const told = this.#follower.noteOwn(offset, by === 'us' ? 'whole batch' : 'part of it');
    if (!told && changes.length > 0) this.#changed(changes);
  }

  withhold(changes: readonly RelationChange[], offset: number): void {
    // Not committed yet, and in force here all the same: it only ever closes.
    const closing = changes.filter((change) => suspendedBy(change) !== undefined);
    for (const change of closing) this.#suspensions.hold(change, offset);
    this.#tellSuspended(closing);
    const deletes = changes.filter((change) => change.operation === 'delete');
    if (deletes.length === 0) return;
    this.#withheld.add(deletes, offset);
    this.#spread(deletes);
  }

  expired(): readonly Relationship[] {
    return this.#expiry.expired();
  }

  hasExpired(relationship: Relationship): boolean {
    return this.#expiry.hasExpired(relationship);
  }

  onExpired(listener: () => void): () => void {
    this.#expiryListeners.add(listener);
    return () => void this.#expiryListeners.delete(listener);
  }

  #expire(relationship: Relationship): void {
    this.#spread([{ operation: 'delete', relationship }]);
    for (const listener of this.#expiryListeners) listener();
  }

  #changed(changes: readonly RelationChange[]): void {
    for (const change of changes) this.#expiry.apply(change);
    this.#suspend(changes);
    this.#spread(changes);
  }

  #suspend(changes: readonly RelationChange[]): void {
    for (const change of changes) this.#suspensions.apply(change);
    this.#tellSuspended(changes);
  }

  /** Whoever holds something open for a client that was suspended ends it now. */
  #tellSuspended(changes: readonly RelationChange[]): void {
    for (const change of changes) {
      const ended = suspendedBy(change);
      if (ended !== undefined) this.announce(ended);
    }
  }

  /** Cached answers die, questions under way are asked again, listeners are told. */
  #spread(changes: readonly RelationChange[]): void {
    const reach = reachOf(changes);
    this.#lookups.clear();
    if (reach.kind === 'everything') {
      this.#everything();
      return;
    }
    this.#flights.touch(reach);
    for (const object of reach.objects) this.#cache.killObject(object);
    if (reach.sessions) this.#cache.killType('session');
    this.announce({ kind: 'objects', objects: reach.objects });
    if (reach.sessions) this.#tellSessionsOf(reach.objects);
  }

  #everything(): void {
    this.#flights.touch({ kind: 'everything' });
    this.#cache.clear();
    this.#lookups.clear();
    this.announce({ kind: 'everything' });
  }

  /** Who holds a session open may have been let in by way of its member. */
  #tellSessionsOf(objects: readonly ObjectRef[]): void {
    const members = new Set(objects.filter((one) => one.type === 'member').map((one) => one.id));
    const [first, ...more] = members;
    const only = first !== undefined && more.length === 0 ? { id: first } : {};
    const subject = { type: 'member', ...only };
    this.#engine.read({ type: 'session', relation: 'member', subject }).then(
      (found) => {
        const concerned = found.filter((one) => members.has(one.subject.id));
        const sessions = concerned.map((one) => one.resource);
        if (sessions.length > 0) this.announce({ kind: 'objects', objects: sessions });
      },
      () => this.announce({ kind: 'everything' }),
    );
  }
}
