import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { RelationChange, RelationFilter } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, coloured, plain, print, printJson } from '../io.ts';

export function addRelations(program: Command, io: CliIo): void {
  const relations = program
    .command('relations')
    .description('who is what to whom, e.g. member:demo-ana#self@user:ana');
  addWrite(relations, io, 'write', 'touch', 'write relations; answers when they are in force');
  addWrite(relations, io, 'delete', 'delete', 'delete relations; answers when they have ended');
  const list = relations
    .command('list <relation...>')
    .description(
      'list relations of a type, an object, or one relation of it: member:demo-ana#self',
    );
  withCommonOptions(list).action((patterns: string[], options: CommonOptions) => {
    const filters = patterns.map(filterOf);
    return withClient(io, options, OPERATION_SCOPES.relations.join(' '), async (client) => {
      const found: string[] = [];
      for (const filter of filters) found.push(...(await client.relations.list(filter)));
      if (options.json === true) return printJson(io, { relationships: found });
      print(io, found.length === 0 ? 'No such relation.' : found.map(plain).join('\n'));
    });
  });
  addExplain(program, io);
}

function addWrite(
  relations: Command,
  io: CliIo,
  name: string,
  operation: RelationChange['operation'],
  says: string,
): void {
  const command = relations.command(`${name} <relation...>`).description(says);
  if (operation === 'touch') {
    command
      .option('--from <instant>', 'when they begin: 2027-01-01T00:00:00Z (default: at once)')
      .option('--until <instant>', 'when they end by themselves');
  }
  withCommonOptions(command).action((given: string[], options: PeriodOptions) =>
    withClient(io, options, OPERATION_SCOPES.relations.join(' '), async (client) => {
      const texts = given.map((text) => withPeriod(text, options));
      const changes = texts.map((relationship) => ({ operation, relationship }));
      const { zedToken } = await client.relations.write(changes);
      if (options.json === true) return printJson(io, { zedToken });
      const done = operation === 'touch' ? 'written' : 'deleted';
      print(io, texts.map((text) => `${done} ${plain(text)}`).join('\n'));
    }),
  );
}

type ExplainOptions = CommonOptions & {
  readonly agent?: string;
  readonly purpose?: string;
  readonly scope?: string;
};

function withOf({ agent, purpose, scope }: ExplainOptions) {
  return { agent, purpose, scope };
}

type PeriodOptions = CommonOptions & { readonly from?: string; readonly until?: string };

function withPeriod(text: string, { from, until }: PeriodOptions): string {
  const start = from === undefined ? '' : `[from:${from}]`;
  return `${text}${start}${until === undefined ? '' : `[expiration:${until}]`}`;
}

function addExplain(program: Command, io: CliIo): void {
  const explain = program
    .command('explain <subject> <permission> <object>')
    .description('why a subject may or may not: explain user:ana view_coverage member:demo-ana');
  explain
    .option('--agent <agent>', 'with this agent acting for the subject')
    .option('--purpose <code>', 'and with this purpose of use in the token')
    .option('--scope <scopes>', 'and with these scopes alone');
  withCommonOptions(explain).action(
    (subject: string, permission: string, object: string, options: ExplainOptions) =>
      withClient(io, options, OPERATION_SCOPES.explain.join(' '), async (client) => {
        const answer = await client.explain(subject, permission, object, withOf(options));
        if (options.json === true) return printJson(io, answer);
        const verdict = answer.allowed
          ? coloured(io.stdout, 'green', 'allowed')
          : coloured(io.stdout, 'red', 'not allowed');
        const trust = (answer.trust ?? []).map(({ by, holds }) => `${by}: ${holds ? 'yes' : 'no'}`);
        const more = [
          ...(answer.suspended === true ? ['the agent is suspended'] : []),
          ...(answer.shown === undefined ? [] : [`scopes and purpose show: ${answer.shown}`]),
        ];
        const lines = [...answer.why, ...trust, ...more];
        print(io, [verdict, ...lines.map((line) => `  ${plain(line)}`)].join('\n'));
      }),
  );
}

/** `member`, `member:demo-ana` or `member:demo-ana#self`. */
function filterOf(text: string): RelationFilter {
  const match = /^([a-z][a-z0-9_]*)(?::([^#@:\s]+)(?:#([a-z][a-z0-9_]*))?)?$/.exec(text);
  const [, type, id, relation] = match ?? [];
  if (type === undefined) {
    const forms = 'member, member:demo-ana or member:demo-ana#self';
    throw new CliFault(EXIT.usage, `"${text}" names no relations: give ${forms}.`);
  }
  return { type, ...(id !== undefined && { id }), ...(relation !== undefined && { relation }) };
}
