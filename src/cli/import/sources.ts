import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { CliFault, EXIT } from '../faults.ts';

/** One bundle to send. */
export interface BundleSource {
  /** As the caller would name it. */
  readonly label: string;
  /** As it lies on the disk; 0 where that is not known before it is read. */
  readonly bytes: number;
  /** The bundle's JSON text, unpacked. @throws CliFault when it cannot be read or is too large */
  readonly read: () => Promise<Uint8Array<ArrayBuffer>>;
}

/** The server takes no larger one. */
export const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;

const BUNDLE_NAME = /\.json(?:\.gz)?$/i;
/** Synthea's bundles of the shared directory: the others refer to what is in them. */
const DIRECTORY_BUNDLES = [/^hospitalInformation/, /^practitionerInformation/];
const GZIP_MAGIC = [0x1f, 0x8b];
const unzip = promisify(gunzip);

/**
 * The bundles behind the arguments: files, folders (all `.json` and `.json.gz` below), `-` for
 * stdin. Directory bundles first, whatever the order of the arguments; a file named twice once.
 */
export async function sourcesOf(
  paths: readonly string[],
  stdin: Readable,
): Promise<BundleSource[]> {
  const found = new Map<string, BundleSource>();
  for (const path of paths) {
    if (path === '-') found.set(path, { label: 'stdin', bytes: 0, read: () => drain(stdin) });
    else for (const source of await below(path)) found.set(source.label, source);
  }
  if (found.size === 0) throw new CliFault(EXIT.usage, 'no .json or .json.gz file is there.');
  return [...found.values()].sort((a, b) => rank(a) - rank(b));
}

function rank({ label }: BundleSource): number {
  const at = DIRECTORY_BUNDLES.findIndex((pattern) => pattern.test(basename(label)));
  return at === -1 ? DIRECTORY_BUNDLES.length : at;
}

async function below(path: string): Promise<BundleSource[]> {
  const info = await stat(path).catch(() => {
    throw new CliFault(EXIT.usage, `${path}: no such file or folder.`);
  });
  if (!info.isDirectory()) {
    return [{ label: path, bytes: info.size, read: () => readBundle(path) }];
  }
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && BUNDLE_NAME.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return (await Promise.all(files.map(below))).flat();
}

async function readBundle(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const content = await readFile(path).catch(() => {
    throw new CliFault(EXIT.usage, `${path}: cannot be read.`);
  });
  return await unpacked(content, path);
}

async function drain(stdin: Readable): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array);
    length += bytes.length;
    if (length > BUNDLE_BYTES_MAX) throw tooLarge('stdin');
    chunks.push(bytes);
  }
  return await unpacked(Buffer.concat(chunks), 'stdin');
}

/** By its first bytes, not its name; never more than the bound, whatever the archive claims. */
async function unpacked(
  content: Buffer<ArrayBuffer>,
  label: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!GZIP_MAGIC.every((byte, at) => content[at] === byte)) {
    if (content.length > BUNDLE_BYTES_MAX) throw tooLarge(label);
    return content;
  }
  try {
    return (await unzip(content, { maxOutputLength: BUNDLE_BYTES_MAX })) as Buffer<ArrayBuffer>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(label);
    throw new CliFault(EXIT.refused, `${label}: is not a whole gzip file.`);
  }
}

function tooLarge(label: string): CliFault {
  return new CliFault(EXIT.refused, `${label}: larger than ${BUNDLE_BYTES_MAX} bytes: split it.`);
}
