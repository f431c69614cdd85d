import { type FileHandle, open } from 'node:fs/promises';
import type { Command } from 'commander';
import type { TwinClient } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, note } from '../io.ts';
import { AUDIT_SCOPE } from './audit-scope.ts';

interface ExportOptions extends CommonOptions {
  readonly from?: string;
  readonly to?: string;
  readonly member?: string;
  readonly rows?: boolean;
  readonly checkpoints?: boolean;
  readonly output?: string;
}

/** Line by line to a file or to stdout: never all of it in memory. */
export function addAuditExport(audit: Command, io: CliIo): void {
  const command = audit
    .command('export')
    .description('FHIR AuditEvents of this tenant, one a line (privacy officers)')
    .option('--from <time>', 'first date or time, ISO 8601 in UTC')
    .option('--to <time>', 'date or time before which to end')
    .option('--member <id>', 'about this member alone')
    .option('--rows', 'the rows and hashes instead, which `audit verify --export` takes')
    .option('--checkpoints', 'the signed checkpoints instead, one JSON line each')
    .option('-o, --output <file>', 'into this new file; stdout without it');
  withCommonOptions(command, false).action((options: ExportOptions) =>
    withClient(io, options, AUDIT_SCOPE, async (client) => {
      const out = options.output === undefined ? undefined : await created(options.output);
      try {
        let count = 0;
        for await (const line of linesOf(client, options)) {
          if (out === undefined) await written(io, `${line}\n`);
          else await out.appendFile(`${line}\n`);
          count += 1;
        }
        if (out !== undefined) note(io, `${count} lines in ${options.output}`);
      } finally {
        await out?.close();
      }
    }),
  );
}

async function* linesOf(client: TwinClient, options: ExportOptions): AsyncGenerator<string> {
  const { from, to, member } = options;
  if (options.checkpoints === true) {
    for (const checkpoint of await client.audit.checkpoints()) yield JSON.stringify({ checkpoint });
  } else if (options.rows === true) yield* client.audit.rows();
  else {
    yield* client.audit.events({
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(member !== undefined && { member }),
    });
  }
}

/** Only whoever made it may read it: who saw whom is nobody else's business. */
async function created(path: string): Promise<FileHandle> {
  return await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'EEXIST' ? 'is there already' : 'cannot be made';
    throw new CliFault(EXIT.usage, `${path} ${why}`);
  });
}

async function written(io: CliIo, text: string): Promise<void> {
  if (io.stdout.write(text)) return;
  await new Promise((resolve) => io.stdout.once('drain', resolve));
}
