import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import type { ConfigInput } from '../config/collect.ts';
import type { Config } from '../config/config.ts';
import type { KafkaSettings } from '../config/kafka.ts';
import type { SpicedbSettings } from '../config/spicedb.ts';
import type { Restored } from '../contract/backups.ts';
import type { StartFault } from '../contract/start-faults.ts';

/** A stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** All that the command line takes from its process. */
export interface CliIo {
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The process's surroundings, with the settings that were given as flags. */
  readonly input: (args: ConfigInput['args']) => ConfigInput;
  /** Program and arguments that start this command line again: node, its flags, the launcher. */
  readonly launcher: readonly string[];
  readonly version: string;
  /** Runs a server until it has stopped; answers the exit code. */
  readonly serve: (args: ConfigInput['args']) => Promise<number>;
  /** What keeps a server of this configuration from starting, with what mends it. */
  readonly startFaults: (config: Config) => Promise<readonly StartFault[]>;
  /** Compares SpiceDB's schema with ours, or merges ours into it. */
  readonly mendSchema: (
    spicedb: SpicedbSettings,
    action: 'diff' | 'apply',
  ) => Promise<SchemaOutcome>;
  /** Compares the topics of a Kafka with ours, or makes them so. */
  readonly mendTopics: (kafka: KafkaSettings, action: 'diff' | 'apply') => Promise<TopicsOutcome>;
  /** Between the embedded log of `DATA_DIR` and Kafka, whose server does not run; how many records. */
  readonly replayLog: (config: Config, into: 'kafka' | 'data-dir') => Promise<number>;
  /** A backup into the empty `DATA_DIR`, whose server does not run. */
  readonly restoreBackup: (config: Config, folder: string) => Promise<Restored>;
  /** Ends what would go on for ever (`watch`, `stdio`). */
  readonly signal?: AbortSignal;
}

export type TopicsOutcome =
  | {
      readonly outcome: 'done';
      readonly missing: readonly string[];
      readonly drift: readonly {
        readonly topic: string;
        readonly config: string;
        readonly is: string;
        readonly should: string;
      }[];
      readonly refused: readonly { readonly topic: string; readonly why: string }[];
    }
  /** `says`: the client library's own words. */
  | { readonly outcome: 'unreachable' | 'unwelcome' | 'refused'; readonly says: string };

export interface SchemaDifference {
  readonly where: string;
  readonly has?: string;
  readonly needs?: string;
}

export type SchemaOutcome =
  | { readonly outcome: 'done'; readonly differences: readonly SchemaDifference[] }
  /** `says`: SpiceDB's own words. */
  | { readonly outcome: 'unreachable' | 'token-refused' | 'refused'; readonly says: string };

export function print(io: Pick<CliIo, 'stdout'>, text: string): void {
  io.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function note(io: Pick<CliIo, 'stderr'>, text: string): void {
  io.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printJson(io: Pick<CliIo, 'stdout'>, value: unknown): void {
  print(io, JSON.stringify(value, null, 2));
}

/** Colour on a terminal, plain text elsewhere. */
export function coloured(
  stream: Output,
  colour: 'red' | 'green' | 'yellow' | 'dim' | 'bold',
  text: string,
): string {
  return stream.isTTY === true ? styleText(colour, text, { validateStream: false }) : text;
}

/** Columns aligned by spaces, the heading first; control characters never reach a terminal. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, ...rows].map((row) => row.map(plain));
  const widths = heading.map((_, at) =>
    Math.max(...lines.map((row) => [...(row[at] ?? '')].length)),
  );
  return lines
    .map((row) =>
      row
        .map((cell, at) => pad(cell, widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What came from a record must not steer the terminal that shows it. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - [...text].length));
}
