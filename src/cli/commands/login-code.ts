import type { Command } from 'commander';
import { configOf, DEFAULT_SUBJECT, localServer } from '../connection.ts';
import { makeLoginCode } from '../development.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface LoginCodeOptions {
  readonly as: string;
  readonly tenant?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

export function addLoginCode(program: Command, io: CliIo): void {
  program
    .command('login-code')
    .description('a code for one login in the browser, alone on stdout (development)')
    .option('--as <subject>', 'who logs in with it', DEFAULT_SUBJECT)
    .option('--tenant <tenant>', 'tenant of the subject')
    .option('--data-dir <directory>', 'data directory of the server (or DATA_DIR)')
    .option('--json', 'print JSON')
    .action(async (options: LoginCodeOptions) => {
      const server = await localServer(io, configOf(io, options));
      const { as, tenant } = options;
      const made = await makeLoginCode(server, { as, ...(tenant !== undefined && { tenant }) });
      if (options.json === true) return printJson(io, made);
      print(io, made.code);
      note(io, `for one login as ${made.as}, within ${made.expires_in / 60} minutes`);
    });
}
