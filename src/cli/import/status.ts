import type { HeldRecord, HeldRecords } from '../../sdk/index.ts';
import { type CliIo, print, table } from '../io.ts';

/** Records that are shown one by one; `--json` has more. */
const ROWS_MAX = 20;

export function printStatus(io: CliIo, records: HeldRecords): void {
  const { waiting, refused, outbox, logAway } = records;
  if (outbox !== undefined) {
    const held = `${outbox.count} held (${(outbox.bytes / 1024).toFixed(0)} KB)`;
    print(io, `${held} by this instance since ${outbox.since.slice(0, 19)}, until the log is back`);
  }
  if (logAway === true) print(io, 'The log is away: what waits in it cannot be listed.');
  const size = `${(waiting.bytes / 1024).toFixed(0)} KB`;
  print(io, `${waiting.count} waiting (${size}), ${refused.count} refused within 30 days`);
  if (waiting.records.length > 0) {
    const rows = waiting.records
      .slice(0, ROWS_MAX)
      .map((one) => [...rowOf(one), one.needs.join(', ')]);
    print(io, `\n${table(['SINCE', 'SOURCE', 'TYPE', 'WHERE', 'EVENT', 'NEEDS'], rows)}`);
    rest(io, waiting.count - rows.length);
  }
  if (refused.records.length > 0) {
    const rows = refused.records
      .slice(0, ROWS_MAX)
      .map((one) => [...rowOf(one), [one.reason, one.path].filter(Boolean).join(' at ')]);
    print(io, `\n${table(['REFUSED', 'SOURCE', 'TYPE', 'WHERE', 'EVENT', 'WHY'], rows)}`);
    rest(io, refused.count - rows.length);
  }
}

function rowOf({ at, source, type, line, entry, eventId }: HeldRecord): string[] {
  const where = line === undefined ? `entry ${entry}` : `line ${line}`;
  return [at.slice(0, 19), source, type, where, eventId.slice(0, 12)];
}

function rest(io: CliIo, count: number): void {
  if (count > 0) print(io, `and ${count} more`);
}
