import { createHash, createPublicKey, verify } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Sha256 } from '../../contract/audit/merkle.ts';
import {
  type Checkpoint,
  keyIdOf,
  ORIGIN_PREFIX,
  parseCheckpoint,
  parseNote,
  publicKeyIn,
} from '../../contract/audit/note.ts';
import { ExportCheck } from '../../contract/audit/proof.ts';
import type { ExportedRow } from '../../contract/audit/reports.ts';
import { CliFault, EXIT } from '../faults.ts';
import { type CliIo, coloured, plain, print, printJson } from '../io.ts';

interface OfflineOptions {
  readonly export?: string;
  readonly checkpoints?: string;
  readonly key?: string;
  readonly json?: boolean;
}

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
/** Ed25519 in a SubjectPublicKeyInfo (RFC 8410 §4), before the 32 bytes of the key. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** Rows of `audit export --rows` against checkpoints of a witness: no server is asked. */
export async function verifyExport(
  io: CliIo,
  options: OfflineOptions,
  setExit: (code: number) => void,
): Promise<void> {
  const { export: rows = '', checkpoints, key } = options;
  if (checkpoints === undefined || key === undefined) {
    throw new CliFault(EXIT.usage, '--export needs --checkpoints FILE and --key BASE64 besides.');
  }
  const publicKey = publicKeyIn(key);
  if (publicKey === undefined) throw new CliFault(EXIT.usage, '--key is no Ed25519 public key.');
  const notes = notesIn(await textOf(checkpoints));
  const signed = notes.flatMap((note) => opened(note, publicKey) ?? []);
  const check = new ExportCheck(sha256, signed);
  await readRows(rows, (row) => check.take(row));
  const verdicts = check.verdicts();
  const ok = verdicts.length > 0 && verdicts.every((one) => one.ok);
  if (!ok) setExit(EXIT.fault);
  const unsigned = notes.length - signed.length;
  if (options.json === true) {
    printJson(io, { ok, unsigned, generations: verdicts });
    return;
  }
  print(io, ok ? coloured(io.stdout, 'green', 'whole') : coloured(io.stdout, 'red', 'broken'));
  for (const one of verdicts) {
    const span =
      one.lastBad === undefined ? `row ${one.firstBad}` : `rows ${one.firstBad} to ${one.lastBad}`;
    const state = one.ok ? 'whole' : `${span}: ${one.why}`;
    const proven = `${one.proven} of ${one.records} rows stand under a signed checkpoint`;
    print(io, plain(`  ${one.generation}: ${state}; ${proven}`));
  }
  if (unsigned > 0) print(io, `${unsigned} checkpoints are not signed by that key: left out.`);
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => {
    throw new CliFault(EXIT.usage, `${path} cannot be read`);
  });
}

/** A witness's file (JSON lines), the answer of the server (JSON), or one note as it is. */
function notesIn(text: string): string[] {
  const whole = jsonOf(text) as { checkpoints?: unknown } | undefined;
  if (Array.isArray(whole?.checkpoints)) return whole.checkpoints.map(String);
  const lines = text.split('\n').flatMap((line) => {
    const value = jsonOf(line) as { checkpoint?: unknown } | undefined;
    return typeof value?.checkpoint === 'string' ? [value.checkpoint] : [];
  });
  return lines.length > 0 ? lines : [text];
}

function opened(text: string, publicKey: Uint8Array): Checkpoint | undefined {
  const note = parseNote(text);
  const checkpoint = note && parseCheckpoint(note.text);
  if (checkpoint === undefined || !checkpoint.origin.startsWith(ORIGIN_PREFIX)) return undefined;
  const id = keyIdOf(sha256, checkpoint.origin, publicKey);
  const der = Buffer.concat([SPKI_HEAD, publicKey]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  const ours = note?.signatures.find(
    ({ name, bytes }) =>
      name === checkpoint.origin && Buffer.compare(bytes.subarray(0, 4), id) === 0,
  );
  const holds =
    ours !== undefined && verify(null, Buffer.from(note?.text ?? ''), key, ours.bytes.subarray(4));
  return holds ? checkpoint : undefined;
}

async function readRows(path: string, take: (row: ExportedRow) => void): Promise<void> {
  const lines = createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let number = 0;
  try {
    for await (const line of lines) {
      number += 1;
      if (line === '') continue;
      const row = jsonOf(line) as ExportedRow | undefined;
      if (typeof row?.generation !== 'string' || typeof row.index !== 'number') {
        throw new CliFault(EXIT.refused, `${path}: line ${number} is no row of an export`);
      }
      take(row);
    }
  } catch (error) {
    if (error instanceof CliFault) throw error;
    throw new CliFault(EXIT.usage, `${path} cannot be read`);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
