import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeDataDir } from './private-file.ts';
import { dropServerFile, isAlive, readServerFile } from './server-file.ts';

/** A data directory that this process alone may use. */
export interface DataLock {
  release(): void;
}

/** Another server holds the data directory. */
export class DataDirTaken extends Error {
  /** `undefined` while that server has not yet said who it is. */
  readonly pid: number | undefined;
  readonly port: number | undefined;

  constructor(dataDir: string, holder: { pid: number; port: number } | undefined) {
    const who =
      holder === undefined
        ? 'another server, which is starting'
        : `the server of process ${holder.pid}, which listens on port ${holder.port}`;
    super(`${dataDir} is in use by ${who}: use that one, stop it, or name another DATA_DIR.`);
    this.name = 'DataDirTaken';
    this.pid = holder?.pid;
    this.port = holder?.port;
  }
}

const SQLITE_BUSY = 5;
/** How long a holder may take to say who it is, before it is refused without a name. */
const HOLDER_WAIT_MS = 3_000;
const HOLDER_POLL_MS = 50;

/**
 * Takes the directory: an exclusive SQLite transaction on `lock.db`, which the operating system
 * ends with the process, also after kill -9. What a dead server left in `server.json` goes, so that
 * while the lock is held the file is its holder's.
 * @throws DataDirTaken naming process and port.
 */
export async function lockDataDir(dataDir: string): Promise<DataLock> {
  await makeDataDir(dataDir);
  const deadline = performance.now() + HOLDER_WAIT_MS;
  for (;;) {
    const lock = tryLock(dataDir);
    if (lock !== undefined) {
      await dropServerFile(dataDir);
      return lock;
    }
    const holder = await readServerFile(dataDir);
    if (holder !== undefined && isAlive(holder.pid)) throw new DataDirTaken(dataDir, holder);
    if (performance.now() > deadline) throw new DataDirTaken(dataDir, undefined);
    await new Promise((resolve) => setTimeout(resolve, HOLDER_POLL_MS));
  }
}

/** A database that nobody refers to is closed by the garbage collector, its lock with it. */
const held = new Set<DatabaseSync>();

function tryLock(dataDir: string): DataLock | undefined {
  const db = new DatabaseSync(join(dataDir, 'lock.db'), { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    held.add(db);
    return {
      release() {
        held.delete(db);
        db.close();
      },
    };
  } catch (error) {
    db.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
}
