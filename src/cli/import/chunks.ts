import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CliFault, EXIT } from '../faults.ts';
import { type Group, LineGroups } from './lines.ts';
import type { ImportSource } from './sources.ts';

/** As much of a file as one request carries. */
export interface Chunk extends Group {
  readonly format: 'json' | 'ndjson';
  /** Bytes on the disk that were read for it. */
  readonly bytes: number;
}

/** The server takes no larger one. */
export const CHUNK_BYTES_MAX = 64 * 1024 * 1024;
const LINES_NAME = /\.(?:ndjson|jsonl)(?:\.gz)?$/i;
const GZIP_MAGIC = [0x1f, 0x8b];

/**
 * A JSON document as a whole, or lines in bounded groups: by the name of the file, else where the
 * first line is a JSON document and others follow.
 * @throws CliFault when it cannot be read, is too large, or ends in the middle
 */
export async function* chunksOf(source: ImportSource): AsyncGenerator<Chunk> {
  const { label, open } = source;
  let read = 0;
  let told = 0;
  async function* counted(): AsyncIterable<Uint8Array> {
    for await (const bytes of open()) {
      read += bytes.length;
      yield bytes;
    }
  }
  const chunk = (group: Group): Chunk => {
    const bytes = read - told;
    told = read;
    return { ...group, bytes, format: groups.isLines === true ? 'ndjson' : 'json' };
  };
  const groups = new LineGroups(LINES_NAME.test(label) ? true : undefined);
  for await (const piece of unpacked(counted(), label)) {
    for (const group of groups.add(piece)) yield chunk(group);
    if (groups.bytes > CHUNK_BYTES_MAX) {
      const says = `${label}: larger than ${CHUNK_BYTES_MAX} bytes: split it.`;
      throw new CliFault(EXIT.refused, says);
    }
  }
  for (const group of groups.end()) yield chunk(group);
}

/** By its first bytes, not its name; unpacked piece by piece, whatever the archive claims. */
async function* unpacked(
  bytes: AsyncIterable<Uint8Array>,
  label: string,
): AsyncIterable<Uint8Array> {
  const pieces = bytes[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done === true) return;
  async function* all(): AsyncIterable<Uint8Array> {
    yield first.value as Uint8Array;
    yield* { [Symbol.asyncIterator]: () => pieces };
  }
  if (!GZIP_MAGIC.every((byte, at) => first.value[at] === byte)) return yield* all();
  const packed = Readable.from(all());
  const gunzip = createGunzip();
  packed.on('error', (error) => gunzip.destroy(error));
  try {
    yield* packed.pipe(gunzip);
  } catch (error) {
    if (error instanceof CliFault) throw error;
    throw new CliFault(EXIT.refused, `${label}: is not a whole gzip file.`);
  } finally {
    packed.destroy();
  }
}
