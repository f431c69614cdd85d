import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { DeadLetterEntry, DeadLetterList, TwinClient } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { type CliIo, note, plain, print, printJson, table } from '../io.ts';

interface ListOptions extends CommonOptions {
  readonly topic?: string;
}

export function addDlq(program: Command, io: CliIo): void {
  const dlq = program
    .command('dlq')
    .description('what consumers could not handle: look at it, send it again, or drop it');
  const list = dlq
    .command('list')
    .description('how many by topic and reason, and the newest of them')
    .option('--topic <topic>', 'of this topic alone');
  withCommonOptions(list).action(({ topic, ...options }: ListOptions) =>
    connected(io, options, async (client) => {
      const found = await client.deadLetters.list(topic);
      if (options.json === true) printJson(io, found);
      else printList(io, found);
    }),
  );
  const show = dlq
    .command('show <id>')
    .description('one of them with its content, which may be health information: it is audited');
  withCommonOptions(show).action((id: string, options: CommonOptions) =>
    connected(io, options, async (client) => printJson(io, await client.deadLetters.show(id))),
  );
  addSettling(dlq, io, 'retry', 'send to their topics again; what had its effect has no second');
  addSettling(dlq, io, 'discard', 'drop; the audit keeps who did');
}

function addSettling(dlq: Command, io: CliIo, as: 'retry' | 'discard', says: string): void {
  withCommonOptions(dlq.command(`${as} <id...>`).description(says)).action(
    (ids: string[], options: CommonOptions) =>
      connected(io, options, async (client) => {
        const done = as === 'retry' ? 'retried' : 'discarded';
        for (const id of ids) {
          await client.deadLetters.settle(id, as);
          if (options.json !== true) print(io, `${done} ${plain(id)}`);
        }
        if (options.json === true) printJson(io, { [done]: ids });
      }),
  );
}

function connected(
  io: CliIo,
  options: CommonOptions,
  use: (client: TwinClient) => Promise<void>,
): Promise<void> {
  return withClient(io, options, OPERATION_SCOPES['dead-letters'].join(' '), use);
}

function printList(io: CliIo, { topics, letters, more }: DeadLetterList): void {
  if (topics.length === 0) {
    print(io, 'There are no dead letters.');
    return;
  }
  const counts = topics.map(({ topic, count, reasons }) => [topic, `${count}`, said(reasons)]);
  print(io, table(['TOPIC', 'LETTERS', 'REASONS'], counts));
  const heading = ['ID', 'ORIGIN', 'REASON', 'TRIES', 'CONSUMER', 'LAST FAILED'];
  print(io, `\n${table(heading, letters.map(rowOf))}`);
  if (more) note(io, '\nThere are more than are read at once: settle some of these first.');
}

function rowOf(letter: DeadLetterEntry): string[] {
  const { id, topic, partition, offset, reason, attempts, consumer, lastFailed } = letter;
  return [id, `${topic}/${partition}/${offset}`, reason, `${attempts}`, consumer, lastFailed];
}

function said(reasons: Readonly<Record<string, number>>): string {
  return Object.entries(reasons)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ');
}
