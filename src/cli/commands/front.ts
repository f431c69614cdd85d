import type { Command } from 'commander';
import { CliFault, EXIT } from '../faults.ts';
import { Front, type Target } from '../front/front.ts';
import { type CliIo, note } from '../io.ts';

interface FrontCommand {
  readonly to: string;
  readonly listen?: string;
  readonly parkSeconds?: string;
}

const LISTEN = '127.0.0.1:3380';
const PARK_SECONDS = 120;
const PARK_SECONDS_MAX = 3_600;
const TARGETS_MAX = 64;

/** `front`: docs/gateway.md, "Where no instance is there for a moment". */
export function addFront(program: Command, io: CliIo): void {
  program
    .command('front')
    .description('stand before instances and keep WebSockets while none of them is there')
    .requiredOption('--to <host:port,…>', 'the instances')
    .option('--listen <host:port>', `where clients come (default ${LISTEN})`)
    .option('--park-seconds <seconds>', `how long one is kept (default ${PARK_SECONDS})`)
    .action(async ({ to, listen = LISTEN, parkSeconds }: FrontCommand) => {
      const targets = to.split(',').map(targetOf);
      if (targets.length > TARGETS_MAX) throw new CliFault(EXIT.usage, 'too many instances');
      const front = new Front({ targets, parkMs: secondsOf(parkSeconds) * 1_000 });
      const at = targetOf(listen);
      const port = await front.listen(at);
      note(io, `listens on ${at.host}:${port}, before ${to}`);
      await ended(io.signal);
      await front.stop();
    });
}

function targetOf(text: string): Target {
  const [, v6, name, given = ''] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text.trim()) ?? [];
  const host = v6 ?? name;
  if (host !== undefined && Number(given) <= 65_535) return { host, port: Number(given) };
  throw new CliFault(EXIT.usage, 'say host:port, such as 127.0.0.1:3333');
}

function secondsOf(text: string | undefined): number {
  if (text === undefined) return PARK_SECONDS;
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 1 && seconds <= PARK_SECONDS_MAX) return seconds;
  throw new CliFault(EXIT.usage, `--park-seconds is a whole number from 1 to ${PARK_SECONDS_MAX}`);
}

function ended(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    else signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
