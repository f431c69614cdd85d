import type { SpicedbConnection } from './grpc.ts';
import { mendSchema, type SchemaOutcome } from './schema-check.ts';
import { isAtLeast, SPICEDB_WANTED, spicedbVersion } from './version.ts';

/** In the words of a list of faults at start. */
export interface SpicedbFault {
  readonly part: string;
  readonly what: string;
  readonly mend: string;
  readonly warning?: true;
}

const WHAT: Readonly<Record<Exclude<SchemaOutcome['outcome'], 'done'>, [string, string]>> = {
  unreachable: ['SPICEDB_ENDPOINT', 'see that it runs, and SPICEDB_TLS_CA where it has TLS'],
  'token-refused': ['SPICEDB_TOKEN', 'give the preshared key of that SpiceDB'],
  refused: ['SPICEDB_ENDPOINT', 'see its log: it does not let us read its schema'],
};

/** What of a SpiceDB of the company's keeps the product from starting. Changes nothing. */
export async function spicedbFaults(
  connection: SpicedbConnection,
  compare: typeof mendSchema = mendSchema,
  versionOf: typeof spicedbVersion = spicedbVersion,
): Promise<SpicedbFault[]> {
  const done = await compare(connection, 'diff');
  if (done.outcome !== 'done') {
    const [part, mend] = WHAT[done.outcome];
    return [
      { part, what: done.outcome === 'unreachable' ? 'does not answer' : 'is refused', mend },
    ];
  }
  const old = oldVersion(await versionOf(connection));
  const { length } = done.differences;
  if (length === 0) return old;
  const what = `lacks the schema of this version: ${length} difference(s)`;
  return [{ part: 'SPICEDB_ENDPOINT', what, mend: 'digital-twin schema apply' }, ...old];
}

/** Only a warning: this server ends what has expired by its own clock, whatever SpiceDB says. */
function oldVersion(version: string | undefined): SpicedbFault[] {
  if (version === undefined || isAtLeast(version, SPICEDB_WANTED) !== false) return [];
  const what = `runs SpiceDB ${version}, which may go on allowing what has expired`;
  const mend = `update it to ${SPICEDB_WANTED} or newer; this server ends it by its own clock`;
  return [{ part: 'SPICEDB_ENDPOINT', what, mend, warning: true }];
}
