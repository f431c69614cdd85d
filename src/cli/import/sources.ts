import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { CliFault, EXIT } from '../faults.ts';

/** One file to import, or stdin. */
export interface ImportSource {
  /** As the caller would name it. */
  readonly label: string;
  /** As it lies on the disk; 0 where that is not known before it is read. */
  readonly bytes: number;
  /** Its bytes from the start, packed or plain; may be asked for again. */
  readonly open: () => AsyncIterable<Uint8Array>;
}

const FHIR_NAME = /\.(?:json|ndjson|jsonl)(?:\.gz)?$/i;
/** A Bulk Data export's own list of its files. */
const MANIFEST = 'manifest.json';

/** What others refer to goes first; deletions of an export last. Anything else in between. */
const FIRST: readonly RegExp[] = [
  /^hospitalInformation/,
  /^practitionerInformation/,
  /^(?:Organization|Location|Endpoint|Medication|Substance)[-._]/,
  /^(?:Practitioner|HealthcareService)[-._]/,
  /^PractitionerRole[-._]/,
  /^Patient[-._]/,
];
const DELETED_FOLDER = 'deleted';

/**
 * The files behind the arguments: files, folders (all FHIR JSON and ndjson below, plain or packed,
 * a Bulk Data export among them), `-` for stdin. A file named twice comes once. Sources of one list
 * may be sent side by side, once those of the lists before are in.
 */
export async function sourcesOf(
  paths: readonly string[],
  stdin: Readable,
): Promise<readonly (readonly ImportSource[])[]> {
  const found = new Map<string, ImportSource>();
  for (const path of paths) {
    if (path === '-') found.set(path, stdinSource(stdin));
    else for (const source of await below(path)) found.set(source.label, source);
  }
  if (found.size === 0) {
    throw new CliFault(EXIT.usage, 'no .json, .ndjson or .jsonl file is there, plain or .gz.');
  }
  const byRank = Map.groupBy(found.values(), rank);
  return [...byRank].sort(([a], [b]) => a - b).map(([, sources]) => sources);
}

function rank({ label }: ImportSource): number {
  if (basename(dirname(label)) === DELETED_FOLDER) return FIRST.length + 1;
  const at = FIRST.findIndex((pattern) => pattern.test(basename(label)));
  return at === -1 ? FIRST.length : at;
}

async function below(path: string): Promise<ImportSource[]> {
  const info = await stat(path).catch(() => {
    throw new CliFault(EXIT.usage, `${path}: no such file or folder.`);
  });
  if (!info.isDirectory()) {
    return [{ label: path, bytes: info.size, open: () => bytesOf(path) }];
  }
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && FHIR_NAME.test(entry.name) && entry.name !== MANIFEST)
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return (await Promise.all(files.map(below))).flat();
}

async function* bytesOf(path: string): AsyncIterable<Uint8Array> {
  try {
    for await (const bytes of createReadStream(path)) yield bytes as Uint8Array;
  } catch {
    throw new CliFault(EXIT.usage, `${path}: cannot be read.`);
  }
}

/** As much of stdin is kept, so that it can be sent again. */
const STDIN_KEPT_BYTES = 64 * 1024 * 1024;

function stdinSource(stdin: Readable): ImportSource {
  let kept: Uint8Array[] = [];
  let bytes = 0;
  async function* open(): AsyncIterable<Uint8Array> {
    if (bytes > STDIN_KEPT_BYTES) {
      throw new CliFault(EXIT.refused, 'stdin: too large to be sent again: repeat the command.');
    }
    yield* kept;
    for await (const piece of stdin) {
      const read = typeof piece === 'string' ? Buffer.from(piece) : (piece as Uint8Array);
      bytes += read.length;
      if (bytes > STDIN_KEPT_BYTES) kept = [];
      else kept.push(read);
      yield read;
    }
  }
  return { label: 'stdin', bytes: 0, open };
}
