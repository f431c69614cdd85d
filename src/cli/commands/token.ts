import type { Command } from 'commander';
import { configOf, DEFAULT_SUBJECT, localServer } from '../connection.ts';
import { issueToken } from '../development.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, print, printJson } from '../io.ts';

interface TokenOptions {
  readonly as: string;
  readonly actor?: string;
  readonly scope?: readonly string[];
  readonly ttl?: string;
  readonly tenant?: string;
  readonly purpose?: string;
  readonly stepUp?: boolean;
  readonly dataDir?: string;
  readonly json?: boolean;
}

export function addToken(program: Command, io: CliIo): void {
  program
    .command('token')
    .description('an access token of the development issuer, alone on stdout')
    .option('--as <subject>', 'whose token', DEFAULT_SUBJECT)
    .option('--actor <agent>', 'the agent that acts for the subject')
    .option(
      '--scope <scopes...>',
      'scopes (default: twin:read twin:search twin:chat twin:subscribe)',
    )
    .option('--ttl <seconds>', 'life of the token')
    .option('--tenant <tenant>', 'tenant of the subject')
    .option(
      '--purpose <code>',
      'purpose of use: TREAT, HPAYMT, HOPERAT, PATRQT, … (v3-PurposeOfUse)',
    )
    .option('--step-up', 'as after a login with a code just now, which break-glass asks for')
    .option('--data-dir <directory>', 'data directory of the server (or DATA_DIR)')
    .option('--json', 'print JSON')
    .action(async (options: TokenOptions) => {
      const server = await localServer(io, configOf(io, options));
      const { as, actor, scope, ttl, tenant, purpose, stepUp } = options;
      const token = await issueToken(server, {
        as,
        ...(actor !== undefined && { actor }),
        ...(scope !== undefined && { scope: scope.join(' ') }),
        ...(ttl !== undefined && { ttlSeconds: secondsOf(ttl) }),
        ...(tenant !== undefined && { tenant }),
        ...(purpose !== undefined && { purpose }),
        ...(stepUp === true && { stepUp }),
      });
      if (options.json === true) printJson(io, token);
      else print(io, token.access_token);
    });
}

function secondsOf(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new CliFault(EXIT.usage, '--ttl must be a whole number of seconds.');
}
