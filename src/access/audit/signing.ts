import {
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import {
  type Checkpoint,
  checkpointText,
  keyIdOf,
  noteText,
  ORIGIN_PREFIX,
  parseCheckpoint,
  parseNote,
  verifierKey,
} from '../../contract/audit/note.ts';
import { sha256 } from './hashes.ts';
import type { Head } from './store.ts';

/** Ed25519 in PKCS #8 (RFC 8410 §7), before the 32 bytes of the seed. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const INFO = 'digital-twin audit checkpoints v1';

export interface Signer {
  /** 32 bytes */
  readonly publicKey: Uint8Array;
  /** A signed note of how far a generation is. */
  checkpoint(head: Head, at: string): string;
  /** The checkpoint of a note that our key has signed; else `undefined`. */
  open(note: string): Checkpoint | undefined;
  /** As C2SP's tools take it. */
  verifierKey(generation: string): string;
}

/**
 * Ed25519, derived from a key of the deployment: so all its instances sign with one key, which an
 * auditor has, and which the database of the rows does not hold.
 */
export function createSigner(deploymentKey: Uint8Array): Signer {
  const seed = Buffer.from(hkdfSync('sha256', deploymentKey, '', INFO, 32));
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const publicKey = Uint8Array.from(spki.subarray(SPKI_HEAD.length));
  return {
    publicKey,
    checkpoint({ generation, size, root }, at) {
      const name = originOf(generation);
      const text = checkpointText({ origin: name, size, root, extensions: [`time ${at}`] });
      const signature = signBytes(null, Buffer.from(text), privateKey);
      const bytes = Buffer.concat([keyIdOf(sha256, name, publicKey), signature]);
      return noteText({ text, signatures: [{ name, bytes }] });
    },
    open: (note) => openNote(note, publicKey),
    verifierKey: (generation) => verifierKey(sha256, originOf(generation), publicKey),
  };
}

export function originOf(generation: string): string {
  return `${ORIGIN_PREFIX}${generation}`;
}

/** The checkpoint of a note, where this key has signed it under the log's own name. */
export function openNote(text: string, publicKey: Uint8Array): Checkpoint | undefined {
  const note = parseNote(text);
  const checkpoint = note && parseCheckpoint(note.text);
  if (note === undefined || checkpoint === undefined) return undefined;
  const id = keyIdOf(sha256, checkpoint.origin, publicKey);
  const key = publicKeyObject(publicKey);
  const signed = note.signatures.some(
    ({ name, bytes }) =>
      name === checkpoint.origin &&
      Buffer.compare(bytes.subarray(0, 4), id) === 0 &&
      verifyBytes(null, Buffer.from(note.text), key, bytes.subarray(4)),
  );
  return signed ? checkpoint : undefined;
}

function publicKeyObject(publicKey: Uint8Array): KeyObject {
  const key = Buffer.concat([SPKI_HEAD, publicKey]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}
