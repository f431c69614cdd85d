import type { Command } from 'commander';
import { type CommonOptions, withCommonOptions } from '../connection.ts';
import type { CliIo } from '../io.ts';
import { runStdio } from '../stdio.ts';

export function addStdio(program: Command, io: CliIo): void {
  const command = program
    .command('stdio')
    .description('MCP over stdin and stdout: a bridge to the server of the data directory')
    .option('--actor <agent>', 'the agent that acts for the subject (development)');
  withCommonOptions(command, false).action((options: CommonOptions & { actor?: string }) =>
    runStdio(io, options),
  );
}
