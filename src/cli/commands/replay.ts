import type { Command } from 'commander';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { ReplayPlaces, ReplayPoint, ReplayRequest } from '../../sdk/index.ts';
import { type CommonOptions, configOf, withClient, withCommonOptions } from '../connection.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface ReplayOptions extends CommonOptions {
  readonly from?: string;
  readonly to?: string;
  readonly into?: string;
  readonly fromDataDir?: string;
  readonly intoDataDir?: string;
}

/** A date alone is its beginning in UTC. */
const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

export function addReplay(program: Command, io: CliIo): void {
  const command = program
    .command('replay <topic>')
    .description(
      'send records of a topic again: they keep their event ids, so whoever handled them skips ' +
        'them; or carry the whole log between a data directory and Kafka: replay log',
    )
    .option('--from <point>', 'an offset of every partition, or a time (ISO 8601)')
    .option('--to <point>', 'where to stop, not included; default: the end of this moment')
    .option('--into <topic>', 'another topic than that itself')
    .option('--from-data-dir <directory>', 'replay log: into the Kafka of KAFKA_BROKERS')
    .option('--into-data-dir <directory>', 'replay log: from the Kafka of KAFKA_BROKERS');
  withCommonOptions(command).action((topic: string, options: ReplayOptions) =>
    topic === 'log' ? replayLog(io, options) : replay(io, topic, options),
  );
}

async function replay(io: CliIo, topic: string, options: ReplayOptions): Promise<void> {
  const { from, to, into } = options;
  if (from === undefined) throw new CliFault(EXIT.usage, 'name a point with --from.');
  const request: ReplayRequest = {
    topic,
    from: pointOf('--from', from),
    ...(to !== undefined && { to: pointOf('--to', to) }),
    ...(into !== undefined && { into }),
  };
  await withClient(io, options, OPERATION_SCOPES.replay.join(' '), async (client) => {
    let sent = 0;
    let skipped = 0;
    let next: ReplayPlaces | undefined;
    do {
      const step = await client.replay({ ...request, ...(next !== undefined && { next }) });
      sent += step.sent;
      skipped += step.skipped;
      next = step.next;
      if (next !== undefined && io.stderr.isTTY === true) note(io, `${sent} sent …`);
    } while (next !== undefined);
    if (options.json === true) return printJson(io, { sent, skipped });
    print(io, `${sent} sent again${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  });
}

/** Goes round the server: while one runs on the directory, this is refused. */
async function replayLog(io: CliIo, options: ReplayOptions): Promise<void> {
  const { fromDataDir, intoDataDir, from, to, into, json } = options;
  const dataDir = fromDataDir ?? intoDataDir;
  const both = fromDataDir !== undefined && intoDataDir !== undefined;
  if (dataDir === undefined || both || [from, to, into].some((given) => given !== undefined)) {
    const message = 'replay log takes --from-data-dir DIRECTORY or --into-data-dir DIRECTORY.';
    throw new CliFault(EXIT.usage, message);
  }
  const config = configOf(io, { dataDir });
  const records = await io.replayLog(config, intoDataDir === undefined ? 'kafka' : 'data-dir');
  if (json === true) printJson(io, { records });
  else print(io, `${records} records`);
}

function pointOf(flag: string, text: string): ReplayPoint {
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  const at = TIME.test(text) ? new Date(text) : undefined;
  if (at === undefined || Number.isNaN(at.getTime())) {
    const example = '2026-01-31 or 2026-01-31T08:00:00Z';
    throw new CliFault(EXIT.usage, `${flag} is an offset or a time such as ${example}.`);
  }
  return { time: at.toISOString() };
}
