import { PassThrough, Readable } from 'node:stream';
import type { ConfigInput } from '../../config/collect.ts';
import { runCli } from '../index.ts';
import type { CliIo } from '../io.ts';

export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly signal?: AbortSignal;
  readonly serve?: CliIo['serve'];
  readonly mendSchema?: CliIo['mendSchema'];
  readonly startFaults?: CliIo['startFaults'];
  readonly mendTopics?: CliIo['mendTopics'];
  readonly replayLog?: CliIo['replayLog'];
  /** Called with all that stands on stdout whenever something comes. */
  readonly onOut?: (text: string) => void;
}

const NO_TOPICS = { outcome: 'done', missing: [], drift: [], refused: [] } as const;

/** One command line on a data directory, in this process. */
export async function run(
  dataDir: string,
  argv: readonly string[],
  {
    stdin = '',
    env = {},
    terminal = false,
    signal,
    serve,
    mendSchema,
    startFaults,
    mendTopics,
    replayLog,
    onOut,
  }: RunOptions = {},
): Promise<Ran> {
  const [stdout, out] = collected(terminal, onOut);
  const [stderr, err] = collected(terminal);
  const input = (args: ConfigInput['args']): ConfigInput => ({
    env: { DATA_DIR: dataDir, ...env },
    args,
    platform: 'linux',
    home: '/home/test',
    cwd: '/',
    checkout: undefined,
    readFile: () => '',
  });
  const exit = await runCli(argv, {
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout,
    stderr,
    input,
    launcher: [],
    version: '1.2.3',
    serve: serve ?? (() => Promise.resolve(0)),
    replayLog: replayLog ?? (() => Promise.resolve(0)),
    restoreBackup: () => Promise.reject(new Error('nothing to restore')),
    mendTopics: mendTopics ?? (() => Promise.resolve(NO_TOPICS)),
    startFaults: startFaults ?? (() => Promise.resolve([])),
    mendSchema: mendSchema ?? (() => Promise.resolve({ outcome: 'done', differences: [] })),
    ...(signal !== undefined && { signal }),
  });
  return { exit, out: out(), err: err() };
}

function collected(
  isTTY: boolean,
  onText: (text: string) => void = () => undefined,
): [CliIo['stdout'], () => string] {
  let text = '';
  const stream = new PassThrough();
  stream.on('data', (chunk) => {
    text += String(chunk);
    onText(text);
  });
  return [Object.assign(stream, { isTTY }), () => text];
}
