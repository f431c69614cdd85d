/**
 * Signed notes and checkpoints as text (C2SP signed-note and tlog-checkpoint): what a witness keeps
 * and an auditor verifies. Signing itself is its callers'.
 */
import type { Sha256 } from './merkle.ts';

/** How far a log was, and the root of its tree at that size. */
export interface Checkpoint {
  /** Names the log: one generation of one instance. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Further lines of ours: `time 2026-11-30T12:00:00.000Z`. */
  readonly extensions: readonly string[];
}

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes of key id, then the signature. */
  readonly bytes: Uint8Array;
}

export interface Note {
  /** What is signed, its last line break included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Signature type of Ed25519 in a signed note. */
const ED25519 = Uint8Array.of(1);
const PUBLIC_KEY_BYTES = 32;

/** Name of each log of this product: `digital-twin-mcp/audit/{generation}`. */
export const ORIGIN_PREFIX = 'digital-twin-mcp/audit/';

export function checkpointText({ origin, size, root, extensions }: Checkpoint): string {
  return [origin, String(size), toBase64(root), ...extensions, ''].join('\n');
}

export function noteText({ text, signatures }: Note): string {
  const lines = signatures.map(({ name, bytes }) => `— ${name} ${toBase64(bytes)}\n`);
  return `${text}\n${lines.join('')}`;
}

/** `undefined` where it is no signed note. */
export function parseNote(note: string): Note | undefined {
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of note.slice(end + 2, -1).split('\n')) {
    const [, name, base64] = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const bytes = base64 === undefined ? undefined : fromBase64(base64);
    if (name === undefined || bytes === undefined || bytes.length < 5) return undefined;
    signatures.push({ name, bytes });
  }
  return { text: note.slice(0, end + 1), signatures };
}

/** `undefined` where the text is no checkpoint. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin = '', size = '', root = '', ...extensions] = text.split('\n');
  if (extensions.pop() !== '' || origin === '' || !/^(?:0|[1-9]\d{0,14})$/.test(size)) {
    return undefined;
  }
  const bytes = fromBase64(root);
  if (bytes?.length !== 32) return undefined;
  return { origin, size: Number(size), root: bytes, extensions };
}

/** The time that a checkpoint of ours says, if any. */
export function timeOf({ extensions }: Checkpoint): string | undefined {
  return extensions.find((line) => line.startsWith('time '))?.slice('time '.length);
}

/** Key id: the first 4 bytes of SHA-256(name, line feed, signature type, public key). */
export function keyIdOf(sha256: Sha256, name: string, publicKey: Uint8Array): Uint8Array {
  return sha256(new TextEncoder().encode(`${name}\n`), ED25519, publicKey).slice(0, 4);
}

/** The verifier key as C2SP's tools take it: `name+hex key id+base64(type, public key)`. */
export function verifierKey(sha256: Sha256, name: string, publicKey: Uint8Array): string {
  const id = [...keyIdOf(sha256, name, publicKey)]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  return `${name}+${id}+${toBase64(Uint8Array.of(...ED25519, ...publicKey))}`;
}

/** The public key of a verifier key, or of its bare base64; `undefined` where it is neither. */
export function publicKeyIn(text: string): Uint8Array | undefined {
  const bytes = fromBase64(text.trim().split('+').length < 3 ? text.trim() : lastPart(text.trim()));
  if (bytes?.length === PUBLIC_KEY_BYTES) return bytes;
  return bytes?.length === PUBLIC_KEY_BYTES + 1 && bytes[0] === 1 ? bytes.slice(1) : undefined;
}

/** The key itself may hold a plus sign. */
function lastPart(text: string): string {
  return /^[^+]+\+[0-9a-f]{8}\+(.+)$/.exec(text)?.[1] ?? text;
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

export function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
