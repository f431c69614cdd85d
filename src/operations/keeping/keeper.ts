import type { Forgotten, Hold, Remains } from '../../contract/keeping.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { controlRecord, FORGOTTEN, LEGAL_HOLD } from '../../twin/control.ts';
import type { Intake, Place, RelationChange, Relations, View } from '../../twin/ports.ts';
import { remainsAfter } from '../../twin/retention-table.ts';
import type { Erasure } from './erasure.ts';
import { holdsOf, notHeld } from './holds.ts';

export interface KeeperParts {
  /** Past the outbox: what is said here is a command, decided now or not at all. */
  readonly intake: Pick<Intake, 'submitRecord'>;
  readonly view: Pick<View, 'shards' | 'waitFor'>;
  readonly relations: Relations;
  readonly erasure: Pick<Erasure, 'run'>;
  readonly log: { purge(): Promise<void> };
  readonly outbox: { state(): { readonly submissions: number } };
  readonly clock: Clock;
  /** Whether the log is on Kafka, where compaction is Kafka's. */
  readonly withKafka: boolean;
}

export interface By {
  readonly tenant: string;
  /** Who says it, as provenance names them. */
  readonly actor: string;
}

/** Legal holds, and letting a member go: for whoever may, which others decide. */
export interface Keeper {
  holds(tenant: string): Hold[];
  /** @throws Fault REFUSED_INPUT for a member who is not known */
  hold(by: By, member: string, reason: string): Promise<Hold>;
  /** @throws Fault NOT_FOUND */
  release(by: By, member: string): Promise<void>;
  /**
   * Answers once no file of this instance holds anything of them; again, for what is left.
   * @throws Fault CONFLICT under legal hold, NOT_FOUND, LOG_UNAVAILABLE, NOT_COMMITTED
   */
  forget(by: By, members: readonly string[]): Promise<Forgotten>;
  /** Takes their records again. @throws Fault NOT_FOUND */
  allowAgain(by: By, member: string): Promise<void>;
}

/** A view that follows its log is there within this, ms. */
const VIEW_WAIT_MS = 30_000;

export function createKeeper(parts: KeeperParts): Keeper {
  const { intake, view, clock } = parts;
  const say = async (
    of: typeof LEGAL_HOLD | typeof FORGOTTEN,
    { tenant, actor }: By,
    member: string,
    says: Readonly<Record<string, string>> | null,
  ): Promise<Place> => {
    const eventId = `keeping-${randomId()}`;
    const record = controlRecord(of, { tenant, member, says, actor, eventId });
    const place = await intake.submitRecord(record);
    if (place.offset >= 0 && !(await view.waitFor(place, VIEW_WAIT_MS))) {
      throw new Fault('VIEW_BEHIND', {
        detail: 'It is in the log, and the view is behind: again.',
      });
    }
    return place;
  };
  const isoNow = (): string => new Date(clock.now()).toISOString();
  const find = (tenant: string, member: string): Hold | undefined =>
    holdsOf(view, tenant).find((hold) => hold.member === member);
  return {
    holds: (tenant) => holdsOf(view, tenant),
    async hold(by, member, reason) {
      const since = find(by.tenant, member)?.since ?? isoNow();
      await say(LEGAL_HOLD, by, member, { reason, since });
      return find(by.tenant, member) ?? { member, reason, since, by: by.actor };
    },
    async release(by, member) {
      if (find(by.tenant, member) === undefined) throw notHeld();
      await say(LEGAL_HOLD, by, member, null);
    },
    async forget(by, members) {
      const date = isoNow().slice(0, 10);
      for (const member of members) await say(FORGOTTEN, by, member, { date });
      const first = await parts.erasure.run();
      const relations = await takeBack(parts.relations, members, by.actor);
      // The journal's own copies of what was just taken back.
      await parts.log.purge();
      return {
        members,
        relations,
        snapshotsRemoved: first.snapshotsRemoved,
        purged: [parts.withKafka ? 'decider.db' : 'log.db', 'outbox.db', 'view.db'],
        remains: remainsOf(parts),
      };
    },
    async allowAgain(by, member) {
      await say(FORGOTTEN, by, member, null);
    },
  };
}

/** Every relation on the members and on sessions about them, committed in SpiceDB; how many. */
async function takeBack(
  relations: Relations,
  members: readonly string[],
  actor: string,
): Promise<number> {
  const own = await Promise.all(members.map((id) => relations.list({ type: 'member', id })));
  const about = await relations.list({ type: 'session', relation: 'member' });
  const sessions = new Set(
    about.filter(({ subject }) => members.includes(subject.id)).map(({ resource }) => resource.id),
  );
  const beside = await Promise.all(
    [...sessions].map((id) => relations.list({ type: 'session', id })),
  );
  const changes = [...own.flat(), ...beside.flat()].map(
    (relationship): RelationChange => ({ operation: 'delete', relationship }),
  );
  const most = LIMITS.relationChangesMax;
  for (let at = 0; at < changes.length; at += most) {
    await relations.write(changes.slice(at, at + most), actor);
  }
  return changes.length;
}

function remainsOf({ withKafka, outbox }: KeeperParts): Remains[] {
  const held = outbox.state().submissions > 0;
  return remainsAfter(withKafka)
    .filter(({ store }) => store !== 'outbox.db' || held)
    .map(({ store, afterForget, kept }) => ({ where: store, what: afterForget, until: kept }));
}
