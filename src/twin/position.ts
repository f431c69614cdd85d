import { createHmac, timingSafeEqual } from 'node:crypto';
import { Fault } from '../kernel/errors.ts';
import type { Place } from './ports.ts';

/** A decoded position: places within one epoch of the log. */
export interface Position {
  readonly epoch: string;
  readonly places: readonly Place[];
}

/**
 * Positions are opaque to clients and authenticated (contract "position").
 * Layout: version 1, 8 characters of epoch, then 2 + 6 bytes a place, then 12 bytes of HMAC.
 */
export interface PositionCodec {
  /** A place before the first record of its partition (offset -1) says nothing, and is left out. */
  encode(position: Position): string;
  /** @throws Fault INVALID_ARGUMENT for anything that this deployment has not made. */
  decode(text: string): Position;
}

const VERSION = 1;
const HEAD_BYTES = 9;
const PLACE_BYTES = 8;
const TAG_BYTES = 12;
/** Everybody who is told of one change is told the same position. */
const KNOWN_MAX = 1_000;

/** @param replaced keys that made positions before, and still know them */
export function createPositionCodec(
  key: Uint8Array,
  ...replaced: readonly Uint8Array[]
): PositionCodec {
  const tagOf = (body: Uint8Array, by = key): Buffer =>
    createHmac('sha256', by).update(body).digest().subarray(0, TAG_BYTES);
  const encodeAnew = ({ epoch, places }: Position): string => {
    const body = Buffer.alloc(HEAD_BYTES + PLACE_BYTES * places.length);
    body.writeUInt8(VERSION, 0);
    body.write(epoch, 1, 8, 'latin1');
    places.forEach((place, index) => {
      body.writeUInt16BE(place.partition, HEAD_BYTES + PLACE_BYTES * index);
      body.writeUIntBE(place.offset, HEAD_BYTES + PLACE_BYTES * index + 2, 6);
    });
    return Buffer.concat([body, tagOf(body)]).toString('base64url');
  };
  const known = new Map<string, string>();
  return {
    encode({ epoch, places: all }) {
      const places = all.filter(({ offset }) => offset >= 0);
      const [place] = places;
      if (place === undefined || places.length > 1) return encodeAnew({ epoch, places });
      const key = `${epoch} ${place.partition} ${place.offset}`;
      const text = known.get(key) ?? encodeAnew({ epoch, places });
      if (known.size >= KNOWN_MAX) known.clear();
      known.set(key, text);
      return text;
    },
    decode(text) {
      const bytes = Buffer.from(text, 'base64url');
      const body = bytes.subarray(0, Math.max(bytes.length - TAG_BYTES, 0));
      const whole = (body.length - HEAD_BYTES) % PLACE_BYTES === 0 && body.length >= HEAD_BYTES;
      if (!whole || body[0] !== VERSION || bytes.toString('base64url') !== text) throw unknown();
      const tag = bytes.subarray(body.length);
      if (![key, ...replaced].some((by) => timingSafeEqual(tag, tagOf(body, by)))) throw unknown();
      const places: Place[] = [];
      for (let at = HEAD_BYTES; at < body.length; at += PLACE_BYTES) {
        places.push({ partition: body.readUInt16BE(at), offset: body.readUIntBE(at + 2, 6) });
      }
      return { epoch: body.toString('latin1', 1, 9), places };
    },
  };
}

function unknown(): Fault {
  return new Fault('INVALID_ARGUMENT', {
    detail: 'The position is not one of this server: hand back what a result or notification gave.',
  });
}
