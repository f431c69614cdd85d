import type { Command } from 'commander';
import type { SpicedbSettings } from '../../config/spicedb.ts';
import { configOf, withSetupOptions } from '../connection.ts';
import { CliFault, EXIT, type Exit } from '../faults.ts';
import {
  type CliIo,
  coloured,
  plain,
  print,
  printJson,
  type SchemaDifference,
  type SchemaOutcome,
} from '../io.ts';

interface SchemaOptions {
  readonly dataDir?: string;
  readonly json?: boolean;
}

/**
 * These go to SpiceDB itself, with the settings of the server: a server whose SpiceDB lacks the
 * schema does not start, so it could not be asked.
 */
export function addSchema(program: Command, io: CliIo, setExit: (code: number) => void): void {
  const schema = program.command('schema').description('the schema of a SpiceDB of your own');
  withSetupOptions(schema.command('diff'))
    .description('what it lacks of this version; exit code 1 when it lacks something')
    .action(async (options: SchemaOptions) => {
      const differences = await mended(io, options, 'diff');
      if (differences.length > 0) setExit(EXIT.fault);
      show(io, options, differences, 'SpiceDB has the schema of this version.');
    });
  withSetupOptions(schema.command('apply'))
    .description('merge the schema of this version into it; definitions of others stay')
    .action(async (options: SchemaOptions) => {
      const differences = await mended(io, options, 'apply');
      show(io, options, differences, 'There was nothing to apply.');
      if (options.json !== true && differences.length > 0) print(io, 'Applied.');
    });
}

async function mended(
  io: CliIo,
  options: SchemaOptions,
  action: 'diff' | 'apply',
): Promise<readonly SchemaDifference[]> {
  const { spicedb } = configOf(io, options);
  if (spicedb === undefined) {
    const message = 'SPICEDB_ENDPOINT names no SpiceDB: the embedded one always has our schema.';
    throw new CliFault(EXIT.usage, message);
  }
  const done = await io.mendSchema(spicedb, action);
  if (done.outcome !== 'done') throw faultOf(spicedb, done);
  return done.differences;
}

type Failure = Exclude<SchemaOutcome, { outcome: 'done' }>;

const FAULTS: Readonly<Record<Failure['outcome'], readonly [Exit, string]>> = {
  unreachable: [EXIT.unreachable, 'does not answer: see SPICEDB_ENDPOINT and SPICEDB_TLS_CA'],
  'token-refused': [EXIT.auth, 'refuses the token: see SPICEDB_TOKEN'],
  refused: [EXIT.refused, 'refused the schema'],
};

function faultOf({ endpoint }: SpicedbSettings, { outcome, says }: Failure): CliFault {
  const [exit, what] = FAULTS[outcome];
  return new CliFault(exit, `SpiceDB at ${endpoint} ${what} (${plain(says)}).`);
}

function show(
  io: CliIo,
  { json }: SchemaOptions,
  differences: readonly SchemaDifference[],
  none: string,
): void {
  if (json === true) printJson(io, { differences });
  else if (differences.length === 0) print(io, none);
  else print(io, differences.map((one) => linesOf(io, one)).join('\n'));
}

/** `-` is what SpiceDB has, `+` what this version needs. */
function linesOf(io: CliIo, { where, has, needs }: SchemaDifference): string {
  return [
    plain(where),
    ...(has === undefined ? [] : [coloured(io.stdout, 'red', `  - ${plain(has)}`)]),
    ...(needs === undefined ? [] : [coloured(io.stdout, 'green', `  + ${plain(needs)}`)]),
  ].join('\n');
}
