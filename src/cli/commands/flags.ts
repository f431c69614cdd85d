import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { FlagStates, TwinClient } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { type CliIo, note, print, printJson, table } from '../io.ts';

export function addFlags(program: Command, io: CliIo): void {
  const flags = program
    .command('flags')
    .description('what may be turned while the server runs: its value, and where that is from');
  const show = async (
    options: CommonOptions,
    use: (client: TwinClient) => Promise<FlagStates>,
  ): Promise<void> => {
    const states = await withClient(io, options, OPERATION_SCOPES.flags.join(' '), use);
    if (options.json === true) printJson(io, states);
    else printFlags(io, states);
  };
  withCommonOptions(flags.command('list', { isDefault: true }).description('list them')).action(
    (options: CommonOptions) => show(options, (client) => client.flags.list()),
  );
  withCommonOptions(
    flags.command('set <name> <value>').description("write it to the server's file of flags"),
  ).action((name: string, value: string, options: CommonOptions) =>
    show(options, (client) => client.flags.set(name, value)),
  );
}

function printFlags(io: CliIo, { flags, problem }: FlagStates): void {
  const rows = flags.map(({ name, value, source, values }) => [
    ...[name, value, source],
    values.join(', '),
  ]);
  print(io, table(['FLAG', 'VALUE', 'FROM', 'ONE OF'], rows));
  for (const { name, says } of flags) print(io, `\n${name}: ${says}`);
  if (problem !== undefined) note(io, `\n${problem}`);
}
