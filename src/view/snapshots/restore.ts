import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Snapshot } from '../../contract/snapshots.ts';
import { toDisk } from '../../kernel/disk.ts';
import { FILE, readManifest, snapshotNames } from './folder.ts';
import { type Content, misfit, type Standing, shown } from './manifest.ts';

export interface Refused {
  readonly name: string;
  readonly reason: string;
}

/** Newest first, each with what keeps an instance that stands here from starting from it. */
export async function listSnapshots(folder: string, standing: Standing): Promise<Snapshot[]> {
  const found: Snapshot[] = [];
  for (const name of await snapshotNames(folder)) {
    const content = await readManifest(folder, name, standing.etagKey);
    if (typeof content === 'string') found.push({ name, refused: content });
    else found.push(shown(name, content, misfit(content, standing)));
  }
  return found;
}

/**
 * Puts the newest snapshot that fits into the place of a view that is not there yet. One that does
 * not fit, or is damaged, is told and passed over: at worst the view is built from the log's start.
 */
export async function restoreNewest(
  folder: string,
  view: string,
  standing: Standing,
): Promise<{ readonly used?: string; readonly refused: readonly Refused[] }> {
  const refused: Refused[] = [];
  for (const name of await snapshotNames(folder)) {
    const content = await readManifest(folder, name, standing.etagKey);
    const reason = typeof content === 'string' ? content : misfit(content, standing);
    const damage = reason ?? (await take(join(folder, name, FILE), view, content as Content));
    if (damage === undefined) return { used: name, refused };
    refused.push({ name, reason: damage });
  }
  return { refused };
}

/** @returns why not, and then nothing is left of it */
async function take(
  file: string,
  view: string,
  { bytes, sha256 }: Content,
): Promise<string | undefined> {
  const taking = `${view}.taking`;
  const hash = createHash('sha256');
  let size = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      hash.update(chunk);
      // A file that is larger than was said is not copied to its end.
      done(size > bytes ? new Error('too large') : null, chunk);
    },
  });
  try {
    await pipeline(createReadStream(file), measure, createWriteStream(taking, { mode: 0o600 }));
    if (size !== bytes || hash.digest('base64url') !== sha256) throw new Error('another checksum');
    await toDisk(taking);
    await rename(taking, view);
    await toDisk(dirname(view));
    return undefined;
  } catch {
    await rm(taking, { force: true });
    return 'its file is damaged, or cannot be read';
  }
}
