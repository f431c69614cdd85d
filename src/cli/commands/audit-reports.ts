import type { Command } from 'commander';
import type {
  AccessReview,
  AccessReviewLine,
  DisclosureEntry,
  DisclosurePage,
} from '../../contract/audit/reports.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { type CliIo, plain, print, printJson, table } from '../io.ts';
import { AUDIT_SCOPE } from './audit-scope.ts';

interface ReportOptions extends CommonOptions {
  readonly from?: string;
  readonly to?: string;
  readonly csv?: boolean;
}

export function addAuditReports(audit: Command, io: CliIo): void {
  const report = audit.command('report').description('for a privacy officer of the tenant');
  const disclosures = report
    .command('disclosures <member>')
    .description(
      'accounting of disclosures (45 CFR 164.528): who saw what of this member, when, why',
    );
  period(disclosures).action((member: string, options: ReportOptions) =>
    withClient(io, options, AUDIT_SCOPE, async (client) => {
      const pages: DisclosurePage[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await client.audit.disclosures(member, {
          ...periodOf(options),
          ...(cursor !== undefined && { cursor }),
        });
        pages.push(page);
        cursor = page.next;
        if (cursor === undefined) break;
      }
      printDisclosures(io, options, pages);
    }),
  );
  const review = report
    .command('access-review')
    .description('who saw how many members, by which right, and who stands out');
  period(review).action((options: ReportOptions) =>
    withClient(io, options, AUDIT_SCOPE, async (client) => {
      printReview(io, options, await client.audit.review(periodOf(options)));
    }),
  );
}

function period(command: Command): Command {
  command
    .option('--from <time>', 'first date or time, ISO 8601 in UTC; six years ago without it')
    .option('--to <time>', 'date or time before which to end; now without it')
    .option('--csv', 'print CSV');
  return withCommonOptions(command);
}

function periodOf({ from, to }: ReportOptions) {
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function printDisclosures(
  io: CliIo,
  { json, csv }: ReportOptions,
  pages: readonly DisclosurePage[],
): void {
  const [first] = pages;
  if (first === undefined) return;
  const entries = pages.flatMap((page) => page.entries);
  const others: Record<string, number> = {};
  for (const [name, count] of pages.flatMap((page) => Object.entries(page.others))) {
    others[name] = (others[name] ?? 0) + count;
  }
  const { next: _, ...rest } = first;
  if (json === true) printJson(io, { ...rest, entries, others });
  else if (csv === true) printCsv(io, COLUMNS, entries.map(cellsOf));
  else printAccounting(io, first, entries, others);
}

function printAccounting(
  io: CliIo,
  first: DisclosurePage,
  entries: readonly DisclosureEntry[],
  others: Readonly<Record<string, number>>,
): void {
  print(io, plain(`Disclosures of ${first.member}, ${first.from} to ${first.to}`));
  print(io, table(COLUMNS, entries.map(cellsOf)));
  print(io, `${entries.length} disclosures; besides: ${listed(others)}`);
  for (const { instance, time } of first.completeUpTo) {
    print(io, plain(`complete up to ${time} for instance ${instance}`));
  }
  for (const sentence of first.says) print(io, sentence);
}

const COLUMNS = ['when', 'who', 'by', 'client', 'action', 'what', 'purpose', 'right', 'relations'];

function cellsOf(entry: DisclosureEntry): string[] {
  const { when, who, by = [], client = '', action, what, purpose = '', right = '' } = entry;
  const relations = entry.relations?.join(' | ') ?? '';
  return [when, who, by.join(', '), client, action, what.join(', '), purpose, right, relations];
}

function printReview(io: CliIo, { json, csv }: ReportOptions, review: AccessReview): void {
  if (json === true) printJson(io, review);
  else if (csv === true) printCsv(io, REVIEW_COLUMNS, review.lines.map(reviewCells));
  else printLines(io, review);
}

function printLines(io: CliIo, review: AccessReview): void {
  print(io, `Access from ${review.from} to ${review.to}: ${review.rows} rows`);
  print(io, table(REVIEW_COLUMNS, review.lines.map(reviewCells)));
  print(io, `failed authentications: ${review.failedAuthentications}`);
  for (const { instance, time } of review.completeUpTo) {
    print(io, plain(`complete up to ${time} for instance ${instance}`));
  }
  for (const sentence of review.says) print(io, sentence);
}

const REVIEW_COLUMNS = [
  ...['who', 'by', 'client', 'members', 'disclosures', 'denied', 'rights', 'purposes', 'outlier'],
];

function reviewCells(line: AccessReviewLine): string[] {
  const { who, by = '', client, members, disclosures, denied, outlier } = line;
  const numbers = [members, disclosures, denied].map(String);
  const [rights, purposes] = [line.rights, line.purposes].map(listed);
  return [who, by, client, ...numbers, rights ?? '', purposes ?? '', outlier.join('; ')];
}

function listed(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).map(([name, count]) => `${name}: ${count}`);
  return named.length === 0 ? 'none' : named.join(', ');
}

/** RFC 4180; what a spreadsheet would take for a formula gets an apostrophe before it. */
function printCsv(
  io: CliIo,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  for (const row of [columns, ...rows]) print(io, plain(row.map(cell).join(',')));
}

function cell(text: string): string {
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
