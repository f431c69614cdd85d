import { type Command, Option } from 'commander';
import { TRUSTS, type Trust, type TrustedAgent } from '../../contract/agents.ts';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { TwinClient } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, plain, print, printJson, table } from '../io.ts';

type TrustOptions = CommonOptions & { readonly sections?: string; readonly until?: string };

export function addAgents(program: Command, io: CliIo): void {
  const agents = program
    .command('agents')
    .description('which agents act for a person, and with what they are trusted');
  const show = async (
    options: CommonOptions,
    use: (client: TwinClient) => Promise<readonly TrustedAgent[]>,
  ): Promise<void> => {
    const found = await withClient(io, options, OPERATION_SCOPES.agents.join(' '), use);
    if (options.json === true) printJson(io, { agents: found });
    else printAgents(io, found);
  };
  withCommonOptions(
    agents
      .command('list', { isDefault: true })
      .description('who acts for you (--as), with what, since and until when'),
  ).action((options: CommonOptions) => show(options, (client) => client.agents.list()));
  withCommonOptions(
    agents
      .command('trust <agent>')
      .description('trust an agent with exactly these sections')
      .requiredOption('--sections <sections>', `of ${TRUSTS.join(', ')}, with commas`)
      .option('--until <instant>', 'when it ends by itself: 2027-01-01T00:00:00Z'),
  ).action((agent: string, options: TrustOptions) =>
    show(options, (client) =>
      client.agents.trust(agent, sectionsIn(options.sections ?? ''), options.until),
    ),
  );
  withCommonOptions(
    agents
      .command('untrust <agent>')
      .description('take the trust back, all of it or in one section')
      .addOption(new Option('--section <section>', 'only this').choices([...TRUSTS])),
  ).action((agent: string, options: CommonOptions & { readonly section?: Trust }) =>
    show(options, (client) => client.agents.untrust(agent, options.section)),
  );
  addSuspensions(agents, io);
}

function addSuspensions(agents: Command, io: CliIo): void {
  const add = (
    name: string,
    says: string,
    use: (client: TwinClient, named: string) => Promise<readonly string[]>,
  ): void => {
    const run = async (named: string, options: CommonOptions): Promise<void> => {
      const scope = OPERATION_SCOPES.suspensions.join(' ');
      const clients = await withClient(io, options, scope, (client) => use(client, named));
      if (options.json === true) return printJson(io, { suspended: clients });
      print(
        io,
        clients.length === 0
          ? 'No client is suspended.'
          : `suspended: ${clients.map(plain).join(', ')}`,
      );
    };
    if (name === 'suspended') {
      withCommonOptions(agents.command(name).description(says)).action((options: CommonOptions) =>
        run('', options),
      );
    } else {
      withCommonOptions(agents.command(`${name} <client>`).description(says)).action(run);
    }
  };
  add(
    'suspend',
    'operator: close a client, or an agent, whole, on every instance',
    (client, name) => client.suspensions.suspend(name),
  );
  add('resume', 'operator: let it in again', (client, name) => client.suspensions.resume(name));
  add('suspended', 'operator: which are closed', (client) => client.suspensions.list());
}

function sectionsIn(text: string): Trust[] {
  return text.split(',').map((name) => {
    const section = TRUSTS.find((one) => one === name.trim());
    if (section !== undefined) return section;
    throw new CliFault(EXIT.usage, `--sections: of ${TRUSTS.join(', ')}, with commas.`);
  });
}

function printAgents(io: CliIo, agents: readonly TrustedAgent[]): void {
  if (agents.length === 0) print(io, 'No agent acts for you.');
  if (agents.length === 0) return;
  const rows = agents.map(({ agent, by, sections, since, lastSeen, suspended }) => [
    plain(agent),
    sections
      .map(({ section, until }) => (until === undefined ? section : `${section} until ${until}`))
      .join(', '),
    by,
    since ?? '–',
    lastSeen ?? '–',
    suspended ? 'suspended' : '',
  ]);
  print(io, table(['AGENT', 'TRUSTED WITH', 'BY', 'SINCE', 'LAST SEEN', ''], rows));
}
