import type { Clock, Timer } from '../kernel/clock.ts';
import { Fault } from '../kernel/errors.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import type {
  Leadership,
  RelationChange,
  RelationJournal,
  Relations,
  Relationship,
} from '../twin/ports.ts';
import type { WriterSide } from './decisions.ts';
import { answered } from './decisions-asker.ts';
import { Applier } from './relations-applier.ts';
import { Heartbeat } from './relations-heartbeat.ts';
import { Pending } from './relations-pending.ts';
import { committedElsewhere } from './relations-standby.ts';
import { validateChange, validateFilter } from './relations-words.ts';
import type { Engine, RelationFilter } from './spicedb/engine.ts';
import { schemaWords } from './spicedb/schema.ts';

const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 10_000;
/** How often the leader makes sure that SpiceDB has what it once had. */
const VERIFY_MS = 5_000;
/** Who the journal says deleted what had ended. */
const EXPIRY_ACTOR = 'system:expiry';

export interface RelationsOptions {
  readonly engine: Engine;
  readonly journal: RelationJournal;
  readonly clock: Clock;
  readonly decisions: WriterSide;
  /** Without it this process is the only one. */
  readonly leadership?: Leadership;
  /** The writer stands still until a later try succeeds: for the log, as an alarm. */
  readonly onTrouble?: (error: unknown) => void;
  /** Whether it stands still, for whoever counts. */
  readonly onStuck?: (stuck: boolean) => void;
}

/**
 * Journal first, then SpiceDB, then the answer (design §5). Of several instances one writes to
 * SpiceDB, whoever leads; its start brings SpiceDB up to the journal, which restores the embedded
 * one. The others append to the journal, and answer once SpiceDB shows that the leader was there.
 */
export function createRelations(options: RelationsOptions): Relations & Service {
  return new Writer(options);
}

interface Waiter {
  readonly offset: number;
  readonly changes: readonly RelationChange[];
  readonly resolve: (result: { zedToken: string }) => void;
  readonly reject: (error: Error) => void;
}

const ALWAYS: Leadership = {
  leads: true,
  onGained(listener) {
    listener();
    return () => undefined;
  },
  onLost: () => () => undefined,
};

class Writer implements Relations, Service {
  readonly name = 'relations-writer';
  readonly #options: RelationsOptions;
  readonly #leadership: Leadership;
  readonly #words = schemaWords();
  readonly #applier: Applier;
  readonly #heartbeat: Heartbeat;
  /** Leads, and has begun to: SpiceDB is up to the journal, and the heart beats. */
  #inOffice = false;
  #doubts = false;
  #waiters: Waiter[] = [];
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #retry: Timer | undefined;
  #verify: Timer | undefined;
  #start: Timer | undefined;
  #retryMs = RETRY_MIN_MS;
  /** Appends under way, and the last offset that one of them answered. */
  #appending = 0;
  #appended = -1;
  #unsubscribe: (() => void)[] = [];

  constructor(options: RelationsOptions) {
    this.#options = options;
    this.#leadership = options.leadership ?? ALWAYS;
    this.#applier = new Applier(options);
    this.#heartbeat = new Heartbeat(options.engine, options.clock);
  }

  async start(): Promise<void> {
    const { journal, decisions } = this.#options;
    if (this.#leadership.leads) await this.#takeOffice();
    this.#unsubscribe = [
      journal.onAppend(() => this.#wake()),
      decisions.onExpired(() => this.#sweep()),
      this.#leadership.onLost(() => this.#leaveOffice()),
      this.#leadership.onGained(() => this.#wake()),
    ];
    this.#wake();
    this.#sweep();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#retry?.cancel();
    this.#verify?.cancel();
    this.#start?.cancel();
    this.#heartbeat.stop();
    await this.#running;
    this.#refuseWaiters(new Fault('SHUTTING_DOWN'));
  }

  async #takeOffice(): Promise<void> {
    this.#applier.reset();
    await this.#applier.catchUp(() => this.#onApplied(), this.#goesOn);
    if (!this.#goesOn()) return;
    await this.#heartbeat.start();
    this.#inOffice = true;
    this.#verifyLater();
  }

  #verifyLater(): void {
    this.#verify?.cancel();
    this.#verify = this.#options.clock.after(VERIFY_MS, () => {
      if (!this.#inOffice || this.#stopped) return;
      this.#doubts = true;
      this.#wake();
      this.#verifyLater();
    });
  }

  /** Grants begin by this server's own clock: SpiceDB only knows how they end. */
  #startLater(): void {
    this.#start?.cancel();
    const next = this.#applier.nextStart();
    if (next === undefined) return;
    const { clock } = this.#options;
    this.#start = clock.after(next - clock.now(), () => this.#wake());
  }

  /** Ends what only the leader does; those who wait here wait for the next leader. */
  async #leaveOffice(): Promise<void> {
    this.#retry?.cancel();
    await this.#running;
    this.#inOffice = false;
    this.#options.onStuck?.(false);
    this.#verify?.cancel();
    this.#start?.cancel();
    this.#heartbeat.stop();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { offset, changes, resolve, reject } of waiters) {
      this.#committedElsewhere(offset, changes).then(resolve, reject);
    }
    // Given back meanwhile.
    if (this.#leadership.leads) this.#wake();
  }

  readonly #goesOn = (): boolean => this.#leadership.leads && !this.#stopped;

  async write(changes: readonly RelationChange[], actor: string): Promise<{ zedToken: string }> {
    if (changes.length === 0 || changes.length > LIMITS.relationChangesMax) {
      throw new Fault('INVALID_ARGUMENT', {
        detail: `A write has 1 to ${LIMITS.relationChangesMax} changes.`,
      });
    }
    const now = this.#options.clock.now();
    for (const change of changes) validateChange(this.#words, change, now);
    if (this.#stopped) throw notCommitted(changes, new Fault('SHUTTING_DOWN'));
    const offset = await this.#append(changes, actor);
    if (!this.#leadership.leads) return this.#committedElsewhere(offset, changes);
    if (this.#applier.applied >= offset) return { zedToken: this.#applier.zedToken };
    return new Promise((resolve, reject) => {
      this.#waiters.push({ offset, changes, resolve, reject });
      this.#wake();
    });
  }

  async #committedElsewhere(
    offset: number,
    changes: readonly RelationChange[],
  ): Promise<{ zedToken: string }> {
    const { decisions } = this.#options;
    try {
      const zedToken = await committedElsewhere(this.#options, offset);
      decisions.committed(changes, offset, 'another');
      return { zedToken };
    } catch (cause) {
      decisions.withhold(changes, offset);
      throw notCommitted(changes, cause);
    }
  }

  async list(filter: RelationFilter): Promise<Relationship[]> {
    validateFilter(this.#words, filter);
    const { engine, journal, clock } = this.#options;
    const found = Promise.all([engine.read(filter), Pending.read(engine, journal)]);
    const [present, pending] = await answered(clock, LIMITS.lookupTimeoutMs, found);
    return [...present, ...pending.relationships().filter((one) => fits(filter, one))];
  }

  async #append(changes: readonly RelationChange[], actor: string): Promise<number> {
    this.#appending++;
    try {
      const offset = await this.#options.journal.append(changes, actor);
      this.#appended = Math.max(this.#appended, offset);
      return offset;
    } catch (cause) {
      throw notCommitted(
        changes,
        cause,
        'the journal has not confirmed it; list it before you go on',
      );
    } finally {
      this.#appending--;
    }
  }

  #wake(): void {
    this.#again = true;
    this.#retry?.cancel();
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // A call that came after the loop's last look.
      if (this.#again && this.#goesOn()) this.#wake();
    });
  }

  async #run(): Promise<void> {
    while (this.#again && this.#goesOn()) {
      this.#again = false;
      try {
        if (!this.#inOffice) await this.#takeOffice();
        if (this.#doubts) this.#applier.doubt();
        this.#doubts = false;
        await this.#applier.catchUp(() => this.#onApplied(), this.#goesOn);
        this.#onApplied();
        await this.#applier.startDue();
        this.#startLater();
        this.#retryMs = RETRY_MIN_MS;
        this.#options.onStuck?.(false);
        this.#sweep();
      } catch (error) {
        this.#onFailure(error);
      }
    }
  }

  #onApplied(): void {
    const { applied, zedToken } = this.#applier;
    const done = this.#waiters.filter((waiter) => waiter.offset <= applied);
    this.#waiters = this.#waiters.filter((waiter) => waiter.offset > applied);
    for (const waiter of done) waiter.resolve({ zedToken });
  }

  #onFailure(error: unknown): void {
    const { decisions, clock, onTrouble, onStuck } = this.#options;
    this.#again = false;
    onStuck?.(true);
    for (const { changes, offset } of this.#waiters) decisions.withhold(changes, offset);
    this.#refuseWaiters(error);
    onTrouble?.(error);
    this.#retry?.cancel();
    this.#retry = clock.after(this.#retryMs, () => this.#wake());
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  #refuseWaiters(cause: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { changes, reject } of waiters) reject(notCommitted(changes, cause));
  }

  /**
   * Deletes what has ended, once everything appended is applied: only then do the decisions know
   * of every renewal, and none is deleted for its old date.
   */
  #sweep(): void {
    const { decisions, clock } = this.#options;
    const idle = this.#appending === 0 && this.#appended <= this.#applier.applied;
    if (!idle || !this.#inOffice || this.#stopped) return;
    const ended = decisions.expired().slice(0, LIMITS.relationChangesMax);
    if (ended.length === 0) return;
    const deletes = ended.map(
      (relationship): RelationChange => ({ operation: 'delete', relationship }),
    );
    this.#append(deletes, EXPIRY_ACTOR).then(
      () => this.#wake(),
      (error: unknown) => {
        this.#options.onTrouble?.(error);
        clock.after(RETRY_MAX_MS, () => this.#sweep());
      },
    );
  }
}

function fits({ type, id, relation, subject }: RelationFilter, one: Relationship): boolean {
  if (one.resource.type !== type || (id !== undefined && one.resource.id !== id)) return false;
  if (relation !== undefined && one.relation !== relation) return false;
  return (
    subject === undefined ||
    (subject.type === one.subject.type && (subject.id ?? one.subject.id) === one.subject.id)
  );
}

function notCommitted(changes: readonly RelationChange[], cause: unknown, why?: string): Fault {
  const revoking = changes.some((change) => change.operation === 'delete');
  const granting = changes.some((change) => change.operation === 'touch');
  const words = [revoking ? 'not revoked' : '', granting ? 'not granted' : ''].filter(Boolean);
  const reason = why ?? 'SpiceDB has not committed it; it is tried again until it has';
  const until = revoking && why === undefined ? ', and what it names is denied until then' : '';
  return new Fault('NOT_COMMITTED', {
    detail: `${words.join(', ').replace(/^n/, 'N')}: ${reason}${until}.`,
    cause,
  });
}
