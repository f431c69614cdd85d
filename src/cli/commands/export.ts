import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { type CliIo, print } from '../io.ts';

interface ExportOptions extends CommonOptions {
  readonly members?: string;
}

/** `export deidentified`: FHIR resources without the 18 identifiers, a line each, to stdout. */
export function addExport(program: Command, io: CliIo): void {
  const exporting = program.command('export').description('what may leave, as lines of JSON');
  const deidentified = exporting
    .command('deidentified')
    .description(
      'records without the 18 identifiers of Safe Harbor, under pseudonyms of this export',
    )
    .option('--members <ids>', 'of these members alone, separated by commas');
  withCommonOptions(deidentified, false).action(({ members, ...options }: ExportOptions) =>
    withClient(io, options, OPERATION_SCOPES.deidentified.join(' '), async (client) => {
      for await (const line of client.deidentified(members?.split(','))) print(io, line);
    }),
  );
}
