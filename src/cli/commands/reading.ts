import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { ChatResult, SearchResult } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, coloured, plain, print, printJson, table } from '../io.ts';

/** As much as one answer may hold (contract "Tools"). */
const GET_BUDGET_TOKENS = 20_000;

export function addReading(program: Command, io: CliIo): void {
  addMembers(program, io);
  addGet(program, io);
  addSearch(program, io);
  addChat(program, io);
}

function addMembers(program: Command, io: CliIo): void {
  const members = program.command('members').description('members of the plan');
  const find = members
    .command('find <text>')
    .description('find members by name, birth date, plan number or id');
  withCommonOptions(find).action((text: string, options: CommonOptions) =>
    withClient(io, options, OPERATION_SCOPES['find-members'].join(' '), async (client) => {
      const found = await client.members(text);
      if (options.json === true) return printJson(io, { members: found });
      if (found.length === 0) return print(io, 'No member found that you may know of.');
      const rows = found.map((m) => [m.member, m.name, m.birthDate, m.tenant, m.patient]);
      print(io, table(['MEMBER', 'NAME', 'BORN', 'TENANT', 'PATIENT'], rows));
    }),
  );
}

function addGet(program: Command, io: CliIo): void {
  const get = program
    .command('get <uri>')
    .description('read a document, e.g. mcp://twins/member/demo-ana/coverage');
  withCommonOptions(get).action((uri: string, options: CommonOptions) =>
    withClient(io, options, undefined, async (client) => {
      if (options.json === true) return printJson(io, (await client.read(uri)).document);
      const input = { uri, view: 'detail', budget: GET_BUDGET_TOKENS } as const;
      const { content, omitted, etag, asOf } = await client.readDocument(input);
      print(io, printable(content));
      for (const part of omitted) print(io, `left out: ${plain(part.what)}, see ${part.uri}`);
      print(io, coloured(io.stdout, 'dim', `etag ${etag} as of ${asOf}`));
    }),
  );
}

function addSearch(program: Command, io: CliIo): void {
  const search = program
    .command('search <query>')
    .description('search facts and people')
    .option('--member <member>', 'member id, name, birth date or plan number')
    .option('--limit <count>', 'at most this many results, 1 to 50', '10');
  withCommonOptions(search).action(
    (query: string, options: CommonOptions & { member?: string; limit: string }) =>
      withClient(io, options, undefined, async (client) => {
        const { member, limit } = options;
        const input = { query, limit: limitOf(limit), ...(member !== undefined && { member }) };
        const result = await client.search(input);
        if (options.json === true) printJson(io, result);
        else print(io, searchText(result));
      }),
  );
}

function addChat(program: Command, io: CliIo): void {
  const chat = program
    .command('chat <message>')
    .description('ask about a member; the answer names its sources')
    .option('--member <member>', 'member id, name, birth date or plan number')
    .option('--session <uri>', 'session of an earlier answer');
  withCommonOptions(chat).action(
    (message: string, options: CommonOptions & { member?: string; session?: string }) =>
      withClient(io, options, undefined, async (client) => {
        const { member, session } = options;
        const result = await client.chat({
          message,
          ...(member !== undefined && { member }),
          ...(session !== undefined && { session }),
        });
        if (options.json === true) printJson(io, result);
        else print(io, chatText(result));
      }),
  );
}

function limitOf(text: string): number {
  const limit = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 50) return limit;
  throw new CliFault(EXIT.usage, '--limit must be a whole number from 1 to 50.');
}

/** What each result says comes first; the line below it names where to read on. */
function searchText({ results, omitted }: SearchResult): string {
  if (results.length === 0) return 'Nothing found that you may read.';
  const lines = results.flatMap(({ title, date, snippet, uri }) => [
    plain(`${date === undefined ? '' : `${date}  `}${title}: ${snippet}`),
    `    ${uri}`,
  ]);
  if (omitted > 0) lines.push(`${omitted} more: narrow the query, or raise --limit.`);
  return lines.join('\n');
}

function chatText({ answer, sentences, questions = [], proposals = [], ...rest }: ChatResult) {
  const sources = new Set(sentences.flatMap((sentence) => sentence.sources.map(({ uri }) => uri)));
  return [
    printable(answer),
    ...questions.map((question) => `? ${plain(question)}`),
    ...proposals.map(({ action, summary }) => `proposal: ${action}: ${plain(summary)}`),
    ...[...sources].map((uri) => `source: ${uri}`),
    ...rest.notices.map((notice) => `note: ${plain(notice)}`),
    `session: ${rest.session}`,
  ].join('\n');
}

/** Text of several lines without what could steer a terminal. */
function printable(text: string): string {
  return text.split('\n').map(plain).join('\n');
}
