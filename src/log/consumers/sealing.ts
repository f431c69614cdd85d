import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  DeadLetterContentSchema,
  type SealedContent,
  SealedContentSchema,
} from '../../contract/events/twins/v1/dead_letter_pb.js';
import type { KafkaRecord } from '../kafka/client.ts';

/** RFC 7518 §5.3; the tag stands at the end of the ciphertext. */
const ALGORITHM = 'A256GCM';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** A key of the deployment, 32 bytes, by an id that may stand in a header. */
export interface SealingKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** The first seals, all of them open. */
export type SealingKeys = readonly [SealingKey, ...SealingKey[]];

/** From a secret that is there already (RFC 5869); its id says nothing of it. */
export function sealingKeyFrom(secret: Uint8Array): SealingKey {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'dead letters 1', KEY_BYTES));
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 8), key };
}

/** What the record was, whole: key and headers of others may say more than they should. */
export type Sealed = Pick<KafkaRecord, 'key' | 'value' | 'headers'>;

/** The letter was sealed with a key that is not here, or is not what was sealed. */
export class CannotOpen extends Error {
  constructor(cause?: unknown) {
    super('a dead letter cannot be opened with the keys of this deployment', { cause });
    this.name = 'CannotOpen';
  }
}

/** @param bound authenticated with it, so that a letter cannot be put under another origin */
export function seal({ id, key }: SealingKey, record: Sealed, bound: string): SealedContent {
  const content = create(DeadLetterContentSchema, {
    key: record.key ?? new Uint8Array(),
    headers: record.headers,
    ...(record.value !== null && { value: record.value }),
  });
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', checked(key), nonce).setAAD(Buffer.from(bound));
  const parts = [cipher.update(toBinary(DeadLetterContentSchema, content)), cipher.final()];
  const ciphertext = Buffer.concat([...parts, cipher.getAuthTag()]);
  return create(SealedContentSchema, { algorithm: ALGORITHM, keyId: id, nonce, ciphertext });
}

/** @throws CannotOpen */
export function open(keys: SealingKeys, sealed: SealedContent, bound: string): Sealed {
  const { algorithm, keyId, nonce, ciphertext } = sealed;
  const key = keys.find(({ id }) => id === keyId)?.key;
  if (key === undefined || algorithm !== ALGORITHM) throw new CannotOpen();
  try {
    const options = { authTagLength: TAG_BYTES };
    const decipher = createDecipheriv('aes-256-gcm', checked(key), nonce, options);
    decipher.setAAD(Buffer.from(bound)).setAuthTag(ciphertext.subarray(-TAG_BYTES));
    const body = decipher.update(ciphertext.subarray(0, -TAG_BYTES));
    const content = fromBinary(DeadLetterContentSchema, Buffer.concat([body, decipher.final()]));
    return {
      key: content.key.length === 0 ? null : Buffer.from(content.key),
      value: content.value === undefined ? null : Buffer.from(content.value),
      headers: Object.fromEntries(
        Object.entries(content.headers).map(([name, held]) => [name, Buffer.from(held)]),
      ),
    };
  } catch (error) {
    throw new CannotOpen(error);
  }
}

function checked(key: Uint8Array): Uint8Array {
  if (key.length === KEY_BYTES) return key;
  throw new Error(`a sealing key has ${KEY_BYTES} bytes`);
}
