import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** The key that seals, then keys that it replaced, which only open. */
export type Secrets = readonly [Uint8Array, ...Uint8Array[]];

/**
 * Text that goes through a client and comes back: encrypted and authenticated (AES-256-GCM), and
 * bound through the additional data to whom and what it is for.
 */
export interface Sealing {
  seal(binding: string, payload: Readonly<Record<string, unknown>>): Sealed;
  /** The payload, or `undefined` for whatever was not sealed by us under this binding. */
  open(binding: string, text: string): (Sealed & { readonly payload: unknown }) | undefined;
}

export interface Sealed {
  readonly text: string;
  /** Of this one text, however it was written down. */
  readonly id: string;
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** One purpose has keys of its own: what is sealed for one is never opened for another. */
export function createSealing(purpose: string, secrets: Secrets): Sealing {
  const keyOf = (secret: Uint8Array): Buffer =>
    createHash('sha256').update(purpose).update(secret).digest();
  const newest = keyOf(secrets[0]);
  const keys = secrets.map(keyOf);
  return {
    seal(binding, payload) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, newest, nonce);
      cipher.setAAD(Buffer.from(binding));
      const sealed = Buffer.concat([
        cipher.update(JSON.stringify(payload), 'utf8'),
        cipher.final(),
      ]);
      const text = Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
      return { text, id: nonce.toString('base64url') };
    },
    open(binding, text) {
      const bytes = Buffer.from(text, 'base64url');
      // One text for the same bytes: a last letter may carry bits that mean nothing.
      if (bytes.toString('base64url') !== text) return undefined;
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const id = bytes.subarray(0, NONCE_BYTES).toString('base64url');
      for (const key of keys) {
        const plain = decrypt(key, Buffer.from(binding), bytes);
        if (plain !== undefined) return { text, id, payload: JSON.parse(plain) as unknown };
      }
      return undefined;
    },
  };
}

function decrypt(key: Uint8Array, binding: Uint8Array, bytes: Buffer): string | undefined {
  const end = bytes.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(binding);
    decipher.setAuthTag(bytes.subarray(end));
    const plain = [decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()];
    return Buffer.concat(plain).toString('utf8');
  } catch {
    return undefined;
  }
}
