import type { Command } from 'commander';
import type { KafkaSettings } from '../../config/kafka.ts';
import { configOf, withSetupOptions } from '../connection.ts';
import { CliFault, EXIT, type Exit } from '../faults.ts';
import { type CliIo, plain, print, printJson, type TopicsOutcome, table } from '../io.ts';

interface TopicsOptions {
  readonly dataDir?: string;
  readonly json?: boolean;
}

type Mended = Extract<TopicsOutcome, { outcome: 'done' }>;

/**
 * These go to Kafka itself, with the settings of the server: a server whose topics are missing does
 * not start, so it could not be asked.
 */
export function addTopics(program: Command, io: CliIo, setExit: (code: number) => void): void {
  const topics = program.command('topics').description('the topics of a Kafka of your own');
  withSetupOptions(topics.command('diff'))
    .description('how they differ from what this version needs; exit code 1 where they do')
    .action(async (options: TopicsOptions) => {
      const found = await mended(io, options, 'diff');
      if (rowsOf(found, 'diff').length > 0) setExit(EXIT.fault);
      show(io, options, found, 'diff');
    });
  withSetupOptions(topics.command('apply'))
    .description(
      'make what is missing and mend what drifted; a number of partitions is never changed',
    )
    .action(async (options: TopicsOptions) => {
      const found = await mended(io, options, 'apply');
      if (found.refused.length > 0) setExit(EXIT.refused);
      show(io, options, found, 'apply');
    });
}

async function mended(
  io: CliIo,
  options: TopicsOptions,
  action: 'diff' | 'apply',
): Promise<Mended> {
  const { kafka } = configOf(io, options);
  if (kafka === undefined) {
    throw new CliFault(EXIT.usage, 'KAFKA_BROKERS names no Kafka: the embedded log has no topics.');
  }
  const done = await io.mendTopics(kafka, action);
  if (done.outcome !== 'done') throw faultOf(kafka, done);
  return done;
}

type Failure = Exclude<TopicsOutcome, Mended>;

const FAULTS: Readonly<Record<Failure['outcome'], readonly [Exit, string]>> = {
  unreachable: [EXIT.unreachable, 'does not answer: see KAFKA_BROKERS and KAFKA_TLS'],
  unwelcome: [EXIT.auth, 'and we do not take each other: see KAFKA_SASL and KAFKA_TLS'],
  refused: [EXIT.refused, 'refused it: our user needs CREATE, DESCRIBE and ALTER on our topics'],
};

function faultOf({ brokers }: KafkaSettings, { outcome, says }: Failure): CliFault {
  const [exit, what] = FAULTS[outcome];
  return new CliFault(exit, `Kafka at ${brokers.join(',')} ${what} (${plain(says)}).`);
}

function show(io: CliIo, { json }: TopicsOptions, found: Mended, action: 'diff' | 'apply'): void {
  const { missing, drift, refused } = found;
  const rows = rowsOf(found, action);
  if (json === true) printJson(io, { missing, drift, refused });
  else if (rows.length === 0) print(io, 'The topics are as this version needs them.');
  else print(io, table(['TOPIC', action === 'diff' ? 'DIFFERS' : 'DONE'], rows));
}

function rowsOf({ missing, drift, refused }: Mended, action: 'diff' | 'apply'): string[][] {
  const left = new Set(refused.map(({ topic }) => topic));
  return [
    ...missing.map((topic) => [topic, action === 'diff' ? 'does not exist' : 'made']),
    ...drift.map(({ topic, config, is, should }) => {
      const set = action === 'apply' && !left.has(topic);
      return [
        topic,
        `${config} ${set ? 'was' : 'is'} ${is}, ${set ? 'now' : 'should be'} ${should}`,
      ];
    }),
    ...refused.map(({ topic, why }) => [topic, `left alone: ${why}`]),
  ];
}
