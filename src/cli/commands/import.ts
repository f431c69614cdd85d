import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { ImportReceipt } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { EXIT } from '../faults.ts';
import { Progress } from '../import/progress.ts';
import { type Outcome, sendAll } from '../import/send.ts';
import { sourcesOf } from '../import/sources.ts';
import { type CliIo, coloured, note, plain, print, printJson, table } from '../io.ts';

interface ImportOptions extends CommonOptions {
  readonly source: string;
}

export function addImport(program: Command, io: CliIo, setExit: (code: number) => void): void {
  const command = program
    .command('import <paths...>')
    .description('FHIR R4 bundles in: files (plain or .gz), folders, or - for stdin')
    .option('--source <name>', 'name of the source system', 'import');
  withCommonOptions(command).action(async (paths: string[], options: ImportOptions) => {
    const sources = await sourcesOf(paths, io.stdin);
    const outcomes = await withClient(
      io,
      options,
      OPERATION_SCOPES.import.join(' '),
      async (client) => {
        const progress = new Progress(io.stderr, sources);
        try {
          return await sendAll(client, sources, options.source, (outcome, bytes) => {
            progress.step(bytes);
            if ('refused' in outcome) progress.above(refusalText(io, outcome));
          });
        } finally {
          progress.end();
        }
      },
    );
    if (outcomes.some((outcome) => 'refused' in outcome)) setExit(EXIT.refused);
    if (options.json === true) printJson(io, { bundles: outcomes });
    else report(io, outcomes);
  });
}

function refusalText(io: CliIo, { label, refused }: Extract<Outcome, { refused: object }>): string {
  return coloured(io.stderr, 'red', `${plain(label)}: refused: ${plain(refused.reason)}`);
}

function report(io: CliIo, outcomes: readonly Outcome[]): void {
  const receipts = outcomes.flatMap((outcome) => ('receipt' in outcome ? [outcome.receipt] : []));
  const members = new Map(
    receipts.flatMap((one) => one.members.map(({ member, patient }) => [member, patient] as const)),
  );
  if (members.size > 0) print(io, table(['MEMBER', 'PATIENT'], [...members]));
  const ignored = ignoredText(receipts);
  const sum = (key: 'accepted' | 'unchanged' | 'stale'): number =>
    receipts.reduce((total, receipt) => total + receipt[key], 0);
  print(
    io,
    `${receipts.length} of ${outcomes.length} bundle${outcomes.length === 1 ? '' : 's'}: ${sum('accepted')} records accepted, ` +
      `${sum('unchanged')} unchanged, ${sum('stale')} stale${ignored}`,
  );
  const refused = outcomes.length - receipts.length;
  if (refused > 0) note(io, `${refused} refused; nothing of them was stored.`);
}

function ignoredText(receipts: readonly ImportReceipt[]): string {
  const counts = new Map<string, number>();
  for (const [type, count] of receipts.flatMap(({ ignored }) => Object.entries(ignored))) {
    counts.set(type, (counts.get(type) ?? 0) + count);
  }
  if (counts.size === 0) return '';
  const list = [...counts].sort().map(([type, count]) => `${count} ${type}`);
  return `\nnot held by the twin: ${list.join(', ')}`;
}
