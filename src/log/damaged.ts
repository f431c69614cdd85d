import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../kernel/errors.ts';
import { Damage, isDamage, openForReading } from '../kernel/sqlite.ts';
import { hasDigests, mustBeAsWritten, mustBeWhole, mustHaveDigests } from './integrity.ts';
import { readRelations } from './relations.ts';
import { identityOf } from './schema.ts';
import type { LogStore } from './store.ts';

/** For whoever operates the server. */
export const MEND =
  'stop the server, put a backup of log.db in its place (or remove it, and send sources and ' +
  'relations again), and look after the disk';

/** `readOnly` in the answer to a client: this fault does not pass by itself. */
export function readOnlyFault(): Fault {
  return new Fault('LOG_UNAVAILABLE', {
    detail: 'The log is damaged and takes nothing until it is restored; nothing was stored.',
    data: { readOnly: true },
  });
}

/** Whether a log refuses since it is damaged: what it refuses, nobody should hold for it. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof Fault && error.data.readOnly === true;
}

/**
 * A damaged log, of which only the relations are read: they are whole, or nobody can say who may
 * read what. Nothing of it is changed, so that whatever can be saved still can.
 * @throws Damage when its relations are damaged too
 */
export function openDamagedLog(path: string): LogStore {
  const db = openAsItIs(path);
  return readOnly({
    identity: identityOf(db),
    readRelations: (offset, limit) => readRelations(db, offset, limit),
    close: () => db.close(),
  });
}

/** A log that was found damaged: from now on it takes nothing, and gives relations alone. */
export function readOnly(store: Pick<LogStore, 'identity' | 'readRelations' | 'close'>): LogStore {
  const refuse = (): never => {
    throw readOnlyFault();
  };
  return {
    ...{ submitBundle: refuse, submitRecord: refuse, appendRelations: refuse, held: refuse },
    ...{ wake: refuse, sweep: refuse, compact: refuse, purge: refuse, passTime: refuse },
    ...{ read: refuse, ends: refuse },
    ...store,
  };
}

function openAsItIs(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, defensive: false });
  try {
    // Otherwise SQLite reads nothing of a file that is shorter than it says.
    db.exec('PRAGMA writable_schema = ON');
    for (const table of ['meta', 'relations']) mustBeWhole(db, table);
    mustHaveDigests(db, 'relations');
    return db;
  } catch (cause) {
    db.close();
    if (!isDamage(cause)) throw cause;
    throw new Damage(`the log is damaged, and who may read what with it: ${MEND}`, { cause });
  }
}

/** What is wrong with the log at `path`, in our own words. Makes nothing, changes nothing. */
export function damageOf(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const db = openForReading(path);
  try {
    mustBeWhole(db);
    if (hasDigests(db, 'records')) mustBeAsWritten(db);
    return undefined;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return wordsOf(error);
  } finally {
    db.close();
  }
}

/** SQLite's own may quote what is in the file. */
export function wordsOf(damage: unknown): string {
  return damage instanceof Damage ? damage.message : 'it is no whole SQLite file';
}
