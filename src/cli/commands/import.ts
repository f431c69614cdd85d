import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { TwinClient } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { Progress } from '../import/progress.ts';
import { totalsOf } from '../import/receipt.ts';
import { Report } from '../import/report.ts';
import { type Outcome, sendAll } from '../import/send.ts';
import { sourcesOf } from '../import/sources.ts';
import { printStatus } from '../import/status.ts';
import { type CliIo, coloured, note, plain, print, printJson, table } from '../io.ts';

interface ImportOptions extends CommonOptions {
  readonly source: string;
  readonly jobs: string;
  readonly dryRun?: boolean;
  readonly report?: string;
  readonly status?: boolean;
}

/** Refused entries that are named on the terminal of one file; the report names them all. */
const NAMED_MAX = 5;
const JOBS_MAX = 16;

export function addImport(program: Command, io: CliIo, setExit: (code: number) => void): void {
  const command = program
    .command('import [paths...]')
    .description(
      'FHIR R4 in: bundles, resources or ndjson of them (plain or .gz), folders, a Bulk Data ' +
        'export, or - for stdin; in any order',
    )
    .option('--source <name>', 'name of the source system', 'import')
    .option('--tenant <tenant>', 'tenant, where the token is to be made for one')
    .option('--jobs <count>', `files sent side by side, 1 to ${JOBS_MAX}`, '4')
    .option('--dry-run', 'say what would happen; store nothing')
    .option('--report <file>', 'write what happened to each file and entry, as JSON lines')
    .option('--status', 'list what waits for what it refers to, and what was refused');
  withCommonOptions(command).action((paths: string[], options: ImportOptions) =>
    options.status === true ? status(io, paths, options) : importPaths(io, paths, options, setExit),
  );
}

function connected<T>(
  io: CliIo,
  options: ImportOptions,
  use: (client: TwinClient) => Promise<T>,
): Promise<T> {
  return withClient(io, options, OPERATION_SCOPES.import.join(' '), use);
}

async function status(io: CliIo, paths: readonly string[], options: ImportOptions): Promise<void> {
  if (paths.length > 0) throw new CliFault(EXIT.usage, '--status takes no files.');
  const held = await connected(io, options, (client) => client.held());
  if (options.json === true) printJson(io, held);
  else printStatus(io, held);
}

async function importPaths(
  io: CliIo,
  paths: readonly string[],
  options: ImportOptions,
  setExit: (code: number) => void,
): Promise<void> {
  if (paths.length === 0) throw new CliFault(EXIT.usage, 'name files or folders, or - for stdin.');
  const { source, tenant, dryRun } = options;
  const jobs = jobsOf(options.jobs);
  const lists = await sourcesOf(paths, io.stdin);
  const report = await Report.to(options.report);
  const outcomes = await connected(io, options, async (client) => {
    const progress = new Progress(io.stderr, lists.flat());
    const send = { source, jobs, ...(tenant !== undefined && { tenant }) };
    try {
      return await sendAll(
        client,
        lists,
        { ...send, ...(dryRun === true && { dryRun }) },
        {
          sent: (bytes) => progress.sent(bytes),
          done(outcome) {
            progress.done();
            report.add(outcome);
            for (const line of refusalsOf(io, outcome)) progress.above(line);
          },
        },
      );
    } finally {
      progress.end();
      await report.end();
    }
  });
  const isRefused = ({ refused, receipt }: Outcome) =>
    refused !== undefined || (receipt?.refused ?? 0) > 0;
  if (outcomes.some(isRefused)) setExit(EXIT.refused);
  if (options.json === true) printJson(io, { bundles: outcomes });
  else summary(io, outcomes, dryRun === true);
}

function jobsOf(text: string): number {
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= JOBS_MAX) return jobs;
  throw new CliFault(EXIT.usage, `--jobs must be a whole number from 1 to ${JOBS_MAX}.`);
}

function refusalsOf(io: CliIo, { label, refused, receipt }: Outcome): string[] {
  const entries = (receipt?.entries ?? []).filter(({ outcome }) => outcome === 'refused');
  const named = entries.slice(0, NAMED_MAX).map(({ line, entry, type, path = '', says = '' }) => {
    const where = line === undefined ? `entry ${entry}` : `line ${line}`;
    return `${[where, type, path].filter(Boolean).join(', ')}: refused: ${says}`;
  });
  const more = (receipt?.refused ?? 0) - named.length;
  const all = [
    ...(refused === undefined ? [] : [`refused: ${refused.reason}`]),
    ...named,
    ...(more > 0 ? [`${more} more entries refused; --report FILE names them`] : []),
  ];
  return all.map((text) => coloured(io.stderr, 'red', `${plain(label)}: ${plain(text)}`));
}

function summary(io: CliIo, outcomes: readonly Outcome[], dryRun: boolean): void {
  const totals = totalsOf(outcomes.flatMap(({ receipt }) => receipt ?? []));
  const { members, ignored } = totals;
  if (members.size > 0) print(io, table(['MEMBER', 'PATIENT'], [...members]));
  const whole = outcomes.filter(({ refused }) => refused === undefined).length;
  const files = `${whole} of ${outcomes.length} file${outcomes.length === 1 ? '' : 's'}`;
  const counts = [
    `${totals.accepted} records accepted`,
    `${totals.unchanged} unchanged`,
    `${totals.stale} stale`,
    ...(totals.waiting > 0 ? [`${totals.waiting} had to wait`] : []),
    ...(totals.resumed > 0 ? [`${totals.resumed} that waited came in`] : []),
    ...(totals.refused > 0 ? [`${totals.refused} refused alone`] : []),
  ];
  print(io, `${dryRun ? 'dry run, nothing stored: ' : ''}${files}: ${counts.join(', ')}`);
  const list = [...ignored].sort().map(([type, count]) => `${count} ${type}`);
  if (list.length > 0) print(io, `not held by the twin: ${list.join(', ')}`);
  if (whole < outcomes.length) {
    const refused = outcomes.length - whole;
    note(io, `${refused} refused; what is named above was not stored.`);
  }
  const held = outcomes.reduce((count, one) => count + (one.held?.length ?? 0), 0);
  if (held > 0) {
    const requests = `${held} request${held === 1 ? '' : 's'}`;
    note(
      io,
      `The log is away: ${requests} held, durably, and taken in order once it is back. ` +
        'digital-twin import --status says what is left.',
    );
  }
  if (totals.waiting > totals.resumed) {
    note(io, 'Records wait for what they refer to: digital-twin import --status lists them.');
  }
}
