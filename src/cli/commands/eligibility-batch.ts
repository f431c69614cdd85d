import { createWriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { BatchStatus } from '../../contract/eligibility-batches.ts';
import { OPERATION_SCOPES } from '../../contract/scopes.ts';
import type { TwinClient } from '../../sdk/index.ts';
import { type CommonOptions, withClient, withCommonOptions } from '../connection.ts';
import { clearBar, drawBatch } from '../eligibility/bar.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, note, print, printJson, table } from '../io.ts';

interface BatchOptions extends CommonOptions {
  readonly batch?: string;
  readonly key?: string;
  readonly report?: string;
  readonly wait: boolean;
}

/** The server takes no more; a larger file is several batches. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;
const LOOK_MS = 1_000;

/** `eligibility batch FILE`: a file of checks, its progress, its report. */
export function addEligibilityBatch(
  eligibility: Command,
  io: CliIo,
  setExit: (code: number) => void,
) {
  const command = eligibility
    .command('batch [file]')
    .description('check many members: CSV with a header (member, serviceTypes …) or ndjson')
    .option('--batch <id>', 'go on with a batch that was sent before')
    .option('--key <key>', 'idempotency key: the same key is the same batch')
    .option('--report <file>', 'write what came of each row, as JSON lines')
    .option('--no-wait', 'send it, and do not wait for its end');
  withCommonOptions(command).action((file: string | undefined, options: BatchOptions) =>
    withClient(io, options, OPERATION_SCOPES.eligibility.join(' '), async (client) => {
      const sent = await sentBy(client, file, options);
      const status = options.wait ? await ended(io, client, sent) : sent;
      if (options.report !== undefined) await writeReport(client, status.batchId, options.report);
      if (options.json === true) printJson(io, status);
      else told(io, status);
      if (status.progress.refused + status.progress.failed > 0) setExit(EXIT.refused);
    }),
  );
}

async function sentBy(
  client: TwinClient,
  file: string | undefined,
  { batch, key }: BatchOptions,
): Promise<BatchStatus> {
  if ((file === undefined) === (batch === undefined)) {
    throw new CliFault(EXIT.usage, 'name a file, or a batch by --batch.');
  }
  if (batch !== undefined) return client.batches.status(batch);
  const path = file ?? '';
  const { size } = await stat(path).catch(() => {
    throw new CliFault(EXIT.usage, `${path} cannot be read.`);
  });
  if (size > FILE_BYTES_MAX) throw new CliFault(EXIT.usage, `${path} is larger than 256 MB.`);
  const format = /\.csv$/i.test(path) ? 'csv' : 'ndjson';
  return client.batches.submit(Uint8Array.from(await readFile(path)), {
    format,
    ...(key !== undefined && { idempotencyKey: key }),
  });
}

/** Until it has ended; whoever stops waiting goes on later with `--batch`. */
async function ended(io: CliIo, client: TwinClient, sent: BatchStatus): Promise<BatchStatus> {
  note(io, `Batch ${sent.batchId}`);
  let status = sent;
  while (status.state !== 'completed') {
    drawBatch(io.stderr, status);
    await sleep(LOOK_MS);
    status = await client.batches.status(sent.batchId);
  }
  clearBar(io.stderr);
  return status;
}

async function writeReport(client: TwinClient, id: string, path: string): Promise<void> {
  const out = createWriteStream(path, { mode: 0o600 });
  const failed = new Promise<never>((_, reject) => out.once('error', reject));
  const written = async (): Promise<void> => {
    for await (const row of client.batches.report(id)) out.write(`${JSON.stringify(row)}\n`);
    await new Promise<void>((resolve) => out.end(resolve));
  };
  await Promise.race([written(), failed]);
}

function told(io: CliIo, { batchId, state, rows, progress, statuses, reasons }: BatchStatus): void {
  const counts = Object.entries({ ...progress, ...statuses }).filter(([, count]) => count > 0);
  print(io, `Batch ${batchId}: ${state}, ${rows} rows`);
  print(
    io,
    table(
      ['what', 'rows'],
      counts.map(([name, count]) => [name, String(count)]),
    ),
  );
  const why = Object.entries(reasons).map(([name, count]) => [name, String(count)]);
  if (why.length > 0) print(io, table(['reason', 'rows'], why));
}
