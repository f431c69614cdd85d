import { parseUri } from '../../contract/uris.ts';
import type { Clock } from '../../kernel/clock.ts';
import { randomId } from '../../kernel/ids.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type { Access, Audit, AuditEntry, ObjectRef, Principal } from '../../twin/ports.ts';
import type { Explanation } from '../decisions-explain.ts';
import { ROLES } from '../roles.ts';
import { Repeating } from './repeating.ts';

export interface RightsOptions {
  readonly audit: Audit;
  readonly access: Pick<Access, 'onChange'>;
  readonly explain: (
    subject: ObjectRef,
    permission: string,
    object: ObjectRef,
  ) => Promise<Explanation>;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
}

interface Question {
  readonly principal: Principal;
  readonly member: string;
  readonly permission: string;
}

/** Answers that are remembered until relations change, and questions that wait; more are left out. */
const KNOWN_MAX = 50_000;
const WAITING_MAX = 1_000;
const PAUSE_MS = 1_000;
/** Between two questions, so that they are a small part of what SpiceDB is asked: */
const GAP_MS = 100;
/** and so many times as long as the last one took, where SpiceDB has much to do. */
const GAPS_PER_LOOK = 9;

/**
 * By which relations somebody could see what they were shown: found after the answer, so that nobody
 * waits for it, once for each person, permission and member until relations change. It is a row of
 * its own, and says what held a moment after the disclosure.
 */
export class Rights implements Service {
  readonly name = 'rights';
  readonly #options: RightsOptions;
  readonly #loop: Repeating;
  readonly #known = new Set<string>();
  #waiting: Question[] = [];
  #forget: () => void = () => undefined;

  constructor(options: RightsOptions) {
    this.#options = options;
    this.#loop = new Repeating(options.clock, () => this.#answer());
  }

  start(): Promise<void> {
    this.#forget = this.#options.access.onChange(() => this.#known.clear());
    this.#loop.start(() => PAUSE_MS);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#forget();
    this.#waiting = [];
    await this.#loop.stop();
  }

  /** A row that shows something and is durable. */
  shown({ outcome, principal, receivers, what, action }: AuditEntry): void {
    if (outcome !== 'success' || action === 'right') return;
    if (principal !== undefined) this.#ask(principal, what);
    for (const { principal: receiver, told } of receivers ?? []) {
      const own = told === undefined ? what : told.flatMap((place) => what[place] ?? []);
      this.#ask(receiver, own);
    }
  }

  #ask(principal: Principal, what: AuditEntry['what']): void {
    for (const { uri } of what) {
      const asked = questionOf(principal, uri);
      if (asked === undefined || this.#waiting.length >= WAITING_MAX) continue;
      const key = `${principal.kind}:${principal.subject} ${asked.permission} ${asked.member}`;
      if (this.#known.has(key)) continue;
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      this.#known.add(key);
      this.#waiting.push(asked);
      this.#loop.wake();
    }
  }

  async #answer(): Promise<void> {
    const { audit, explain, report, clock } = this.#options;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const { principal, member, permission } = next;
      const beganMs = clock.monotonic();
      try {
        const subject = { type: principal.kind, id: principal.subject };
        const found = await explain(subject, permission, { type: 'member', id: member });
        await audit.append(entryOf(next, found));
      } catch (error) {
        report(error);
      }
      if (this.#loop.stopped) return;
      const gapMs = Math.max(GAP_MS, GAPS_PER_LOOK * (clock.monotonic() - beganMs));
      await new Promise<void>((resolve) => void clock.after(gapMs, resolve));
    }
  }
}

function questionOf(principal: Principal, uri: string): Question | undefined {
  const parsed = parseUri(uri);
  if (parsed === null || !('member' in parsed)) return undefined;
  const section = 'section' in parsed ? parsed.section : 'access_log';
  return { principal, member: parsed.member, permission: `view_${section}` };
}

/** Only ways that grant this permission: what else ties the two is nobody's business here. */
function entryOf({ principal, member, permission }: Question, { paths }: Explanation): AuditEntry {
  const granting = paths.flatMap((path) => {
    const role = roleOf(path, permission);
    return role === undefined ? [] : [`${role}: ${path.join(', then ')}`];
  });
  return {
    ...({ action: 'right', outcome: granting.length > 0 ? 'success' : 'failed' } as const),
    ...{ correlationId: randomId(), principal },
    what: [{ uri: `right:${member}` }, ...granting.map((uri) => ({ uri }))],
    why: permission,
  };
}

/** `member:M#care_team@careteam:T`, `careteam:T#clinician@user:U` to `care_team clinician`. */
const shapeOf = (relations: readonly string[]): string =>
  relations.map((relation) => /#(\w+)@/.exec(relation)?.[1] ?? '').join(' ');

function roleOf(path: readonly string[], permission: string): string | undefined {
  const shape = shapeOf(path);
  return ROLES.find(
    ({ relations, may }) =>
      shapeOf(relations) === shape && (may as readonly string[]).includes(permission),
  )?.name;
}
