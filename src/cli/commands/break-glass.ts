import { type Command, Option } from 'commander';
import {
  BREAK_GLASS_FILTERS,
  BREAK_GLASS_REASONS,
  type BreakGlassCase,
  type BreakGlassFilter,
  type BreakGlassReason,
  REASON_CODES,
  REVIEW_OUTCOMES,
  type ReviewOutcome,
} from '../../contract/break-glass.ts';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import { type TwinClient, TwinError } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, note, plain, print, printJson, table } from '../io.ts';

type OpenOptions = CommonOptions & {
  readonly reason: BreakGlassReason;
  readonly text: string;
  readonly minutes?: string;
};
type ListOptions = CommonOptions & { readonly filter?: BreakGlassFilter; readonly cursor?: string };
type ReviewOptions = CommonOptions & { readonly outcome: ReviewOutcome; readonly text?: string };

/** `break-glass open|list|end|review`: docs/break-glass.md. */
export function addBreakGlass(program: Command, io: CliIo): void {
  const command = program
    .command('break-glass')
    .description('open one record in an emergency, and review what was opened');
  addOpen(command, io);
  addList(command, io);
  withCommonOptions(
    command.command('end <case>').description('end a case: your own, or as privacy officer'),
  ).action((id: string, options: CommonOptions) =>
    connected(io, options, async ({ breakGlass }) => {
      const ended = await breakGlass.end(id);
      if (options.json === true) return printJson(io, ended);
      print(io, `the record of ${plain(ended.member)} is closed`);
    }),
  );
  withCommonOptions(
    command
      .command('review <case>')
      .description('privacy officer: judge a case that has ended')
      .addOption(
        new Option('--outcome <outcome>', 'what it was')
          .choices([...REVIEW_OUTCOMES])
          .makeOptionMandatory(),
      )
      .option('--text <text>', 'your words'),
  ).action((id: string, options: ReviewOptions) =>
    connected(io, options, async ({ breakGlass }) => {
      const reviewed = await breakGlass.review(id, options.outcome, options.text);
      if (options.json === true) return printJson(io, reviewed);
      print(io, `reviewed: ${options.outcome}`);
    }),
  );
}

function addOpen(command: Command, io: CliIo): void {
  const reasons = REASON_CODES.map((code) => `${code} (${BREAK_GLASS_REASONS[code]})`).join('; ');
  const open = command
    .command('open <member>')
    .description('open the record of one member to you; the member and the officer are told')
    .addOption(
      new Option('--reason <code>', reasons).choices([...REASON_CODES]).makeOptionMandatory(),
    )
    .requiredOption('--text <text>', 'why, in your own words: 10 to 1,000 characters')
    .option('--minutes <minutes>', 'for how long: 1 to 240; 60');
  withCommonOptions(open).action((member: string, options: OpenOptions) =>
    connected(io, options, async ({ breakGlass }) => {
      const { reason, text, minutes } = options;
      const life = minutes === undefined ? {} : { minutes: minutesOf(minutes) };
      const opened = await breakGlass
        .open({ member, reason, text, ...life })
        .catch((error: unknown) => explainStepUp(error, options));
      if (options.json === true) return printJson(io, opened);
      print(io, `the record of ${plain(opened.member)} is open to you until ${opened.until}`);
      note(io, `end it: digital-twin break-glass end ${opened.id}`);
    }),
  );
}

function addList(command: Command, io: CliIo): void {
  const list = command
    .command('list')
    .description('what is open to you; with --filter, as privacy officer, the cases of all')
    .addOption(new Option('--filter <which>', 'which').choices([...BREAK_GLASS_FILTERS]))
    .option('--cursor <case>', 'go on after this case');
  withCommonOptions(list).action((options: ListOptions) =>
    connected(io, options, async ({ breakGlass }) => {
      const page = await breakGlass.list(options.filter, options.cursor);
      if (options.json === true) return printJson(io, page);
      if (page.cases.length === 0) return print(io, 'No case.');
      const heading = ['CASE', 'MEMBER', 'BY', 'REASON', 'OPENED', 'STATE', 'REVIEW', 'WHY'];
      print(io, table(heading, page.cases.map(rowOf)));
      if (page.next !== undefined) note(io, `more: --cursor ${page.next}`);
    }),
  );
}

function rowOf({
  id,
  member,
  person,
  reason,
  opened,
  state,
  until,
  ended,
  review,
  text,
}: BreakGlassCase) {
  const shown = state === 'open' ? `open until ${until}` : `ended ${ended ?? until}`;
  return [id, member, person, reason, opened, shown, review?.outcome ?? '–', text];
}

/** How to log in anew, which the code alone does not say. */
function explainStepUp(error: unknown, { as = 'NAME', token }: OpenOptions): never {
  if (!(error instanceof TwinError) || error.code !== 'INSUFFICIENT_AUTHENTICATION') throw error;
  const scope = OPERATION_SCOPES['break-glass'].join(' ');
  const minutes = Number(error.data.maxAgeSeconds) / 60;
  const how =
    token === undefined
      ? `Development: --token "$(digital-twin token --as ${as} --scope ${scope} --step-up)"`
      : 'Log in again, and give the new token with --token';
  throw new CliFault(
    EXIT.auth,
    `Breaking the glass needs a login of the last ${minutes} minutes. ${how}, or the page /break-glass.`,
  );
}

function minutesOf(text: string): number {
  const minutes = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (minutes >= 1 && minutes <= 240) return minutes;
  throw new CliFault(EXIT.usage, '--minutes must be a whole number from 1 to 240.');
}

function connected(
  io: CliIo,
  options: CommonOptions,
  use: (client: TwinClient) => Promise<void>,
): Promise<void> {
  return withClient(io, options, OPERATION_SCOPES['break-glass'].join(' '), use);
}
