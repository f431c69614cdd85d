import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/**
 * A file sealed in pieces (AES-256-GCM, the STREAM construction of Hoang, Reyhanitabar, Rogaway and
 * Vizár 2015): each piece has its number and whether it is the last in its nonce, so that none can be
 * changed, left out, moved or cut off; the name is authenticated with each.
 */
const MAGIC = Buffer.from('DTBACKUP1\n');
const SALT_BYTES = 32;
const PIECE_BYTES = 1024 * 1024;
const TAG_BYTES = 16;

/** @param name under which it is restored, and no other */
export async function sealFile(from: string, to: string, name: string, key: Buffer): Promise<void> {
  const salt = randomBytes(SALT_BYTES);
  const fileKey = keyOf(key, salt);
  await pipeline(
    createReadStream(from),
    async function* (source: AsyncIterable<Buffer>) {
      yield Buffer.concat([MAGIC, salt]);
      let number = 0;
      for await (const [piece, isLast] of pieces(source, PIECE_BYTES)) {
        const cipher = createCipheriv('aes-256-gcm', fileKey, nonceOf(number, isLast));
        cipher.setAAD(Buffer.from(name));
        yield Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()]);
        number += 1;
      }
    },
    createWriteStream(to, { mode: 0o600, flags: 'wx' }),
  );
}

/** @throws Error where it is not as it was sealed, or was sealed with another key */
export async function openFile(from: string, to: string, name: string, key: Buffer): Promise<void> {
  await pipeline(
    createReadStream(from),
    async function* (source: AsyncIterable<Buffer>) {
      let fileKey: Buffer | undefined;
      let number = 0;
      const head = MAGIC.length + SALT_BYTES;
      for await (const [piece, isLast] of pieces(source, PIECE_BYTES + TAG_BYTES, head)) {
        if (fileKey === undefined) {
          if (!piece.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('it is no backup');
          fileKey = keyOf(key, piece.subarray(MAGIC.length));
          continue;
        }
        const at = piece.length - TAG_BYTES;
        const decipher = createDecipheriv('aes-256-gcm', fileKey, nonceOf(number, isLast), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(Buffer.from(name));
        decipher.setAuthTag(piece.subarray(at));
        yield Buffer.concat([decipher.update(piece.subarray(0, at)), decipher.final()]);
        number += 1;
      }
    },
    createWriteStream(to, { mode: 0o600, flags: 'wx' }),
  );
}

function keyOf(key: Buffer, salt: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, 'digital-twin backup', 32));
}

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(number, 7);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** In pieces of one size but for the first, where it has another, and the last; an empty file is one. */
async function* pieces(
  source: AsyncIterable<Buffer>,
  size: number,
  firstSize = size,
): AsyncGenerator<[Buffer, boolean]> {
  let held: Buffer[] = [];
  let bytes = 0;
  let wanted = firstSize;
  for await (const chunk of source) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes <= wanted) continue;
    let rest = Buffer.concat(held);
    // What is full is told once there is more: the last one is told as the last.
    while (rest.length > wanted) {
      yield [rest.subarray(0, wanted), false];
      rest = rest.subarray(wanted);
      wanted = size;
    }
    held = [rest];
    bytes = rest.length;
  }
  yield [Buffer.concat(held), true];
}
