import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { lockDataDir } from '../../config/data-lock.ts';
import { configOf } from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, print } from '../io.ts';

/** What makes a directory ours; it stays, so that etags and ids stay the same. */
const KEYS = 'keys.json';
/** What the parts of a server keep; everything else in the directory is not ours to delete. */
const OWN =
  /^(?:server\.log|(?:log|view|view\.next|audit|audit-trail)\.db(?:-wal|-shm|-journal)?)$/;

export function addReset(program: Command, io: CliIo): void {
  program
    .command('reset')
    .description('empty the data directory; the next start writes the demo members')
    .requiredOption('--demo', 'yes: delete every record, relation and audit line in it')
    .option('--data-dir <directory>', 'data directory (or DATA_DIR)')
    .action(async (options: { dataDir?: string }) => {
      const { dataDir, production } = configOf(io, options);
      if (production) throw new CliFault(EXIT.usage, 'reset is not for NODE_ENV=production.');
      const names: string[] = await readdir(dataDir).catch(() => []);
      if (!names.includes(KEYS)) {
        throw new CliFault(EXIT.fault, `${dataDir} is no data directory: nothing was deleted.`);
      }
      const lock = await lockDataDir(dataDir);
      try {
        for (const name of names.filter((one) => OWN.test(one))) {
          await rm(join(dataDir, name), { recursive: true, force: true });
        }
      } finally {
        lock.release();
      }
      print(io, `${dataDir} is empty. Start anew: npm start`);
    });
}
