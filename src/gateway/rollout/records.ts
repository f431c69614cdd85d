import type { DatabaseSync } from 'node:sqlite';
import type {
  ComparisonReport,
  RealtimePath,
  RolloutDay,
  RolloutFlag,
} from '../../contract/rollout.ts';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { inTransaction, openDatabase, withoutTraces } from '../../kernel/sqlite.ts';
import { memberOf } from '../protocols/pusher/channels.ts';
import type { BridgeCounts } from './bridge.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS members (
    day TEXT NOT NULL, place TEXT NOT NULL, member TEXT NOT NULL,
    PRIMARY KEY (day, place, member)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS counts (
    day TEXT NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (day, kind, what)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS comparisons (at INTEGER NOT NULL, report TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS steps (
    flag TEXT PRIMARY KEY, percent INTEGER NOT NULL, since INTEGER
  ) WITHOUT ROWID;
`;

const DAYS_KEPT = 60;
const DAY_MS = 86_400_000;
const COMPARISONS_KEPT = 1_000;
/** Different names that are counted in a day: backends name their events themselves. */
const NAMES_MAX = 200;
const NAME_CHARS_MAX = 200;
const PENDING_MAX = 1_000;
const FLUSH_MS = 1_000;
const MEMBERS_SHOWN = 100;
/** No id of a member. */
const FORGOTTEN = '(forgotten)';

/** What this instance saw of the move, by day: opaque ids and counts, and nothing that was said. */
export class RolloutRecords implements BridgeCounts {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  /** Counts that are not written yet: one transaction a second, however many events there are. */
  readonly #pending = new Map<string, number>();
  #flushing: Timer | undefined;

  /** @param path a file of its own, or `:memory:` */
  constructor(path: string, clock: Clock) {
    this.#db = openDatabase(path, 'NORMAL');
    this.#db.exec(SCHEMA);
    this.#clock = clock;
    this.#forget();
  }

  close(): void {
    this.#flush();
    this.#db.close();
  }

  /** A member was told where to connect. */
  told(member: string, path: RealtimePath): void {
    this.#member(`told-${path}`, member);
  }

  bridged(name: string): void {
    this.#count('bridged', name, 1);
  }

  failed(reason: string): void {
    this.#count('failed', reason, 1);
  }

  /** Channels with a subscriber at the former Pusher: of a day the most that were seen at a time. */
  seenThere(channels: readonly string[]): void {
    const others = new Map<string, number>();
    inTransaction(this.#db, () => {
      for (const channel of channels) {
        const member = memberOf(channel);
        if (member !== undefined) this.#member('former', member);
        const prefix =
          /^(private-encrypted|private|presence|cache)-/.exec(channel)?.[1] ?? 'public';
        if (member === undefined) others.set(prefix, (others.get(prefix) ?? 0) + 1);
      }
      for (const [prefix, n] of others) this.#most('channels', prefix, n);
    });
    this.#forget();
  }

  compared(report: ComparisonReport): void {
    const insert = 'INSERT INTO comparisons (at, report) VALUES (?, ?)';
    this.#db.prepare(insert).run(this.#clock.now(), JSON.stringify(report));
    const keep = 'DELETE FROM comparisons WHERE rowid <= (SELECT max(rowid) FROM comparisons) - ?';
    this.#db.prepare(keep).run(COMPARISONS_KEPT);
  }

  /**
   * Leaves nothing of members who are not there any more, but that on such a day somebody was: else
   * forgetting would make it look as if Pusher could be switched off.
   */
  forget(isThere: (member: string) => boolean): void {
    const gone = this.#db
      .prepare('SELECT DISTINCT member FROM members')
      .all()
      .map(({ member }) => String(member))
      .filter((member) => member !== FORGOTTEN && !isThere(member));
    if (gone.length === 0) return;
    const rename = this.#db.prepare('UPDATE OR IGNORE members SET member = ? WHERE member = ?');
    const remove = this.#db.prepare('DELETE FROM members WHERE member = ?');
    inTransaction(this.#db, () => {
      for (const member of gone) {
        rename.run(FORGOTTEN, member);
        remove.run(member);
      }
    });
    withoutTraces(this.#db);
  }

  /** Newest first, of the last `withinMs`. */
  comparisons(withinMs: number, most = 100): ComparisonReport[] {
    const query = 'SELECT report FROM comparisons WHERE at > ? ORDER BY rowid DESC LIMIT ?';
    const rows = this.#db.prepare(query).all(this.#clock.now() - withinMs, most);
    return rows.map(({ report }) => JSON.parse(String(report)) as ComparisonReport);
  }

  /** Since when the flag is at this step; the first look is not the beginning of anything. */
  stepSince(flag: RolloutFlag, percent: number): number | undefined {
    const known = this.#db.prepare('SELECT percent, since FROM steps WHERE flag = ?').get(flag);
    if (known?.percent === percent) return known.since === null ? undefined : Number(known.since);
    const since = known === undefined ? null : this.#clock.now();
    const put = 'INSERT OR REPLACE INTO steps (flag, percent, since) VALUES (?, ?, ?)';
    this.#db.prepare(put).run(flag, percent, since);
    return since ?? undefined;
  }

  days(most: number): RolloutDay[] {
    this.#flush();
    const query = 'SELECT day FROM members UNION SELECT day FROM counts ORDER BY day DESC LIMIT ?';
    return this.#db
      .prepare(query)
      .all(most)
      .map(({ day }) => this.#day(String(day)));
  }

  /** Some of those who were there on the newest day on which anybody was. */
  membersThere(): string[] {
    const query = `SELECT member FROM members WHERE place = 'former' AND day =
      (SELECT max(day) FROM members WHERE place = 'former') ORDER BY member LIMIT ?`;
    return this.#db
      .prepare(query)
      .all(MEMBERS_SHOWN)
      .map(({ member }) => String(member));
  }

  /** Whole days, today among them, on which a member was seen there. */
  daysWithMembers(withinMs: number): number {
    const from = dayOf(this.#clock.now() - withinMs);
    const query =
      "SELECT count(DISTINCT day) AS n FROM members WHERE place = 'former' AND day >= ?";
    return Number(this.#db.prepare(query).get(from)?.n ?? 0);
  }

  /** When this was looked at first: before, nobody can say that nobody was there. */
  lookedSince(): string | undefined {
    this.#flush();
    const query = "SELECT min(day) AS day FROM counts WHERE kind = 'looked'";
    const day = this.#db.prepare(query).get()?.day;
    return typeof day === 'string' ? day : undefined;
  }

  looked(): void {
    this.#count('looked', 'times', 1);
  }

  #day(day: string): RolloutDay {
    const members = (place: string): number => {
      const query = 'SELECT count(*) AS n FROM members WHERE day = ? AND place = ?';
      return Number(this.#db.prepare(query).get(day, place)?.n ?? 0);
    };
    const counts = (kind: string): Record<string, number> => {
      const query = 'SELECT what, n FROM counts WHERE day = ? AND kind = ? ORDER BY what';
      const rows = this.#db.prepare(query).all(day, kind);
      return Object.fromEntries(rows.map(({ what, n }) => [String(what), Number(n)]));
    };
    return {
      day,
      told: { pusher: members('told-pusher'), websocket: members('told-websocket') },
      formerMembers: members('former'),
      formerChannels: counts('channels'),
      bridged: counts('bridged'),
      failed: counts('failed'),
    };
  }

  #member(place: string, member: string): void {
    const put = 'INSERT OR IGNORE INTO members (day, place, member) VALUES (?, ?, ?)';
    this.#db.prepare(put).run(dayOf(this.#clock.now()), place, member);
  }

  #count(kind: string, what: string, n: number): void {
    const key = JSON.stringify([dayOf(this.#clock.now()), kind, what.slice(0, NAME_CHARS_MAX)]);
    this.#pending.set(key, (this.#pending.get(key) ?? 0) + n);
    if (this.#pending.size >= PENDING_MAX) this.#flush();
    this.#flushing ??= this.#clock.after(FLUSH_MS, () => this.#flush());
  }

  #flush(): void {
    this.#flushing?.cancel();
    this.#flushing = undefined;
    if (this.#pending.size === 0) return;
    const put = `INSERT INTO counts (day, kind, what, n) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET n = n + excluded.n`;
    inTransaction(this.#db, () => {
      for (const [key, n] of this.#pending) {
        const [day, kind, what] = JSON.parse(key) as [string, string, string];
        this.#put(put, day, kind, what, n);
      }
    });
    this.#pending.clear();
  }

  #most(kind: string, what: string, n: number): void {
    const put = `INSERT INTO counts (day, kind, what, n) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET n = max(n, excluded.n)`;
    this.#put(put, dayOf(this.#clock.now()), kind, what, n);
  }

  #put(statement: string, day: string, kind: string, what: string, n: number): void {
    const query = 'SELECT count(*) AS n FROM counts WHERE day = ? AND kind = ? AND what <> ?';
    const names = Number(this.#db.prepare(query).get(day, kind, what)?.n ?? 0);
    const name = names < NAMES_MAX ? what : '(others)';
    this.#db.prepare(statement).run(day, kind, name, n);
  }

  #forget(): void {
    const before = dayOf(this.#clock.now() - DAYS_KEPT * DAY_MS);
    for (const table of ['members', 'counts']) {
      this.#db.prepare(`DELETE FROM ${table} WHERE day < ?`).run(before);
    }
  }
}

export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
