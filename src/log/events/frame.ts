import { Undecodable } from './undecodable.ts';

/**
 * Confluent's wire format for Protocol Buffers (Confluent Platform documentation, "Formats,
 * Serializers, and Deserializers", section "Wire format"): magic byte 0, schema id as 4 bytes in
 * network order, the message's indexes within its file, then the message. Indexes are zigzag
 * varints behind their count; the first message of a file, `[0]`, is the single byte 0.
 */
export interface Frame {
  readonly id: number;
  /** Index of the message in its file, then of each message nested within. */
  readonly indexes: readonly number[];
  readonly payload: Buffer;
}

const HEAD_BYTES = 5;
/** Deeper than any schema nests: what claims more is no frame. */
const INDEXES_MAX = 16;

export function encodeFrame(id: number, indexes: readonly number[], payload: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeInt32BE(id, 1);
  const [first] = indexes;
  const path = indexes.length === 1 && first === 0 ? [0] : [indexes.length, ...indexes];
  return Buffer.concat([head, Buffer.from(path.flatMap(zigzag)), payload]);
}

/** @throws Undecodable MALFORMED */
export function decodeFrame(bytes: Buffer): Frame {
  if (bytes.length <= HEAD_BYTES) throw new Undecodable('MALFORMED', 'shorter than a frame');
  if (bytes[0] !== 0) throw new Undecodable('MALFORMED', 'the magic byte is not 0');
  const indexes: number[] = [];
  const count = readZigzag(bytes, HEAD_BYTES);
  let { next } = count;
  if (count.value < 0 || count.value > INDEXES_MAX) {
    throw new Undecodable('MALFORMED', 'the frame holds no message index');
  }
  for (let left = count.value; left > 0; left--) {
    const index = readZigzag(bytes, next);
    if (index.value < 0) throw new Undecodable('MALFORMED', 'a message index is negative');
    indexes.push(index.value);
    next = index.next;
  }
  return {
    id: bytes.readInt32BE(1),
    indexes: indexes.length === 0 ? [0] : indexes,
    payload: bytes.subarray(next),
  };
}

/** Zigzag varint of a small number that is not negative. */
function zigzag(value: number): number[] {
  const bytes: number[] = [];
  let left = value * 2;
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  return [...bytes, left];
}

function readZigzag(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) break;
    value += (byte & 127) * 2 ** (7 * index);
    if (byte < 128)
      return { value: value % 2 === 0 ? value / 2 : -(value + 1) / 2, next: at + index + 1 };
  }
  throw new Undecodable('MALFORMED', 'a message index has no end');
}
