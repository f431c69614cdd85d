import type { Command } from 'commander';
import { describeConfig } from '../../config/describe.ts';
import { configOf } from '../connection.ts';
import { type CliIo, print, printJson, table } from '../io.ts';

export function addConfig(program: Command, io: CliIo): void {
  program
    .command('config')
    .description('settings')
    .command('print')
    .description('every setting in force and where it comes from; secrets are not shown')
    .option('--data-dir <directory>', 'data directory (or DATA_DIR)')
    .option('--json', 'print JSON')
    .action((options: { dataDir?: string; json?: boolean }) => {
      const settings = describeConfig(configOf(io, options));
      if (options.json === true) return printJson(io, settings);
      const rows = settings.map(({ name, value, from, says }) => [name, value, from, says]);
      print(io, table(['SETTING', 'VALUE', 'FROM', 'WHAT'], rows));
    });
}
