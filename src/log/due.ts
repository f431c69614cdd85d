import type { DatabaseSync } from 'node:sqlite';
import { LIMITS } from '../kernel/limits.ts';
import { inTransaction } from '../kernel/sqlite.ts';
import { isControl } from '../twin/control.ts';
import { DATED_TYPES, dayOf, dueDates, TIME_PASSED } from '../twin/documents/time.ts';
import type { Place, SourceRecord, Subject } from '../twin/ports.ts';
import { recordKey, subjectKey, subjectOf } from '../twin/subjects.ts';
import { factsOf } from './facts.ts';
import type { SqliteState } from './sqlite-state.ts';

/** Raised with every change of what `dueDates` finds: live records are then gone through again. */
const RULES_VERSION = '1';
/** So that whoever has a date at all is told what day it is. */
const LONG_AGO = '0001-01-01';
/** Who says that time has passed. */
export const CLOCK = { source: 'clock', actor: 'system:clock' } as const;

/** What the decider knows of days to come (table `due`: a row a subject and day). */
export interface DueDates {
  /**
   * The state, with this added to what it appends: the days on which a member's record changes a
   * document are remembered, and where one has come already, that member's `time-passed` record
   * stands before it. So no view ever shows a record by a day that it has left behind.
   */
  readonly state: SqliteState;
  /**
   * Appends one `time-passed` record for each subject with a day that has come, a bounded number,
   * inside the caller's transaction; answers whether there may be more. After a pause of any length
   * it is one a subject. `at` is now, in ms.
   */
  pass(at: number): boolean;
}

export function createDueDates(db: DatabaseSync, state: SqliteState): DueDates {
  const sql = prepare(db);
  const note = (subject: Subject, days: readonly string[]): void => {
    for (const day of days) sql.note.run(subjectKey(subject), day);
  };
  const say = (cause: Pick<SourceRecord, 'tenant' | 'subject'>, at: number): Place => {
    const record = timePassed(cause, at);
    const facts = factsOf(record, undefined, state.head(recordKey(record)));
    return state.append(record, facts);
  };
  const reached = ({ tenant, subject }: Pick<SourceRecord, 'tenant' | 'subject'>): string =>
    String(state.latest(recordKey({ tenant, subject, ...TIME_PASSED }))?.resource?.date ?? '');
  /** The clock alone is nothing of a member: theirs have moved to another, or are deleted. */
  const isLive = (subject: Subject): boolean =>
    state.keysOf(subject).some((key) => !isControl(key.split('/').at(-2) ?? ''));

  inTransaction(db, () => {
    if (sql.version.get()?.value === RULES_VERSION) return;
    for (const row of sql.live.all(JSON.stringify(DATED_TYPES))) {
      const { subject, resource } = JSON.parse(String(row.body)) as SourceRecord;
      const days = dueDates(resource);
      if (days.length > 0) note(subject, [LONG_AGO, ...days]);
    }
    sql.setVersion.run(RULES_VERSION);
  });

  return {
    state: {
      ...state,
      append(record, facts) {
        const days = record.subject.kind === 'member' ? dueDates(record.resource) : [];
        if (days.length > 0) {
          const at = Date.parse(record.provenance.recorded);
          const today = dayOf(at) ?? '';
          note(
            record.subject,
            days.filter((day) => day > today),
          );
          const has = reached(record);
          const late = days.some((day) => day <= today && day > has);
          if (has === '' || late) say(record, at);
        }
        return state.append(record, facts);
      },
    },
    pass(at) {
      const today = dayOf(at) ?? '';
      const come = sql.come.all(today, LIMITS.wakeRecordsMax);
      for (const row of come) {
        const subject = subjectOf(String(row.subject));
        sql.forget.run(String(row.subject), today);
        const tenant = state.tenantOf(subject);
        if (tenant === undefined || !isLive(subject)) continue;
        if (reached({ tenant, subject }) < String(row.day)) say({ tenant, subject }, at);
      }
      return come.length === LIMITS.wakeRecordsMax;
    },
  };
}

function timePassed(
  { tenant, subject }: Pick<SourceRecord, 'tenant' | 'subject'>,
  at: number,
): SourceRecord {
  const { type, id } = TIME_PASSED;
  const date = dayOf(at) ?? '';
  return {
    ...{ tenant, subject, type, id },
    resource: { resourceType: type, id, date },
    names: {},
    provenance: { ...CLOCK, recorded: new Date(at).toISOString() },
    eventId: `time-passed ${subjectKey(subject)} ${date}`,
  };
}

function prepare(db: DatabaseSync) {
  return {
    note: db.prepare('INSERT OR IGNORE INTO due VALUES (?, ?)'),
    come: db.prepare(`SELECT subject, max(day) AS day FROM due WHERE day <= ?
      GROUP BY subject ORDER BY subject LIMIT ?`),
    forget: db.prepare('DELETE FROM due WHERE subject = ? AND day <= ?'),
    version: db.prepare("SELECT value FROM meta WHERE name = 'due'"),
    setVersion: db.prepare("INSERT OR REPLACE INTO meta VALUES ('due', ?)"),
    live: db.prepare(`SELECT body FROM heads JOIN records USING (topic, part, offset)
      WHERE gone = 0 AND subject GLOB 'member:*'
        AND heads.type IN (SELECT value FROM json_each(?))`),
  };
}
