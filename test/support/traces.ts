import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, inflateSync } from 'node:zlib';

/** Files below a folder, by their path from there. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** A text as it may stand in a file: UTF-8, UTF-16, and base64 at each of three offsets. */
function spellings(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const shifted = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // Without what depends on the neighbours.
    return Buffer.from(encoded.slice(Math.ceil((shift * 8) / 6), -4).replaceAll('=', ''));
  });
  const urlSafe = shifted.map((one) =>
    Buffer.from(one.toString().replaceAll('+', '-').replaceAll('/', '_')),
  );
  return [bytes, Buffer.from(text, 'utf16le'), Buffer.from(bytes.toString('hex'))].concat(
    shifted.filter(({ length }) => length > 7),
    urlSafe.filter(({ length }) => length > 7),
  );
}

/** Everything in these bytes that gzip or zlib has packed, unpacked. */
function unpacked(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const tries = [
    [Buffer.from([0x1f, 0x8b, 0x08]), gunzipSync],
    [Buffer.from([0x78, 0x9c]), inflateSync],
    [Buffer.from([0x78, 0x01]), inflateSync],
  ] as const;
  for (const [head, unpack] of tries) {
    for (let at = bytes.indexOf(head); at >= 0; at = bytes.indexOf(head, at + 1)) {
      try {
        found.push(unpack(bytes.subarray(at), { finishFlush: 2 }));
      } catch {
        // It only looked like it.
      }
    }
  }
  return found;
}

/** `file: text` for each of the texts that stands in a file of the folder, however it is spelled. */
export async function tracesOf(folder: string, texts: readonly string[]): Promise<string[]> {
  const wanted = texts.map((text) => ({ text, ways: spellings(text) }));
  const found: string[] = [];
  for (const file of await filesIn(folder)) {
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    for (const content of [bytes, ...unpacked(bytes)]) {
      for (const { text, ways } of wanted) {
        if (ways.some((way) => content.includes(way)))
          found.push(`${file.slice(folder.length + 1)}: ${text}`);
      }
    }
  }
  return [...new Set(found)].sort();
}
