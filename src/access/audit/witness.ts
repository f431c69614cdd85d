import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCheckpoint, parseNote } from '../../contract/audit/note.ts';
import { isObject } from '../../kernel/json.ts';

/** Where signed checkpoints go: out of the reach of whoever could change the rows. */
export type WitnessSettings =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'http'; readonly url: string };

/** A checkpoint, with the proof that its log begins with what the witness knows. */
export interface WitnessedUpdate {
  readonly generation: string;
  readonly note: string;
  readonly size: number;
  /** Size that the proof begins from; 0: no proof. */
  readonly from: number;
  readonly proof: readonly Uint8Array[];
}

/** The witness knows another size than the update begins from. */
export class WitnessKnows extends Error {
  readonly size: number;

  constructor(size: number) {
    super(`the witness knows ${size} rows of this log`);
    this.name = 'WitnessKnows';
    this.size = size;
  }
}

/** The witness says that the log does not begin with what it was shown before. */
export class WitnessRefuses extends Error {
  override readonly name = 'WitnessRefuses';
}

export interface Witness {
  readonly kind: WitnessSettings['kind'];
  /**
   * @returns the note with what the witness signed beside us
   * @throws WitnessKnows, WitnessRefuses; else whatever keeps it from being reached
   */
  add(update: WitnessedUpdate): Promise<string>;
  /** The notes that it gives back, of all generations; none over HTTP, which has no such question. */
  notes(): Promise<string[]>;
}

export function openWitness(settings: WitnessSettings): Witness {
  return settings.kind === 'directory'
    ? new DirectoryWitness(settings.path)
    : new HttpWitness(settings.url);
}

/** One file a generation, one JSON line a checkpoint, only ever appended to and fsynced. */
class DirectoryWitness implements Witness {
  readonly kind = 'directory';
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async add({ generation, note, from, proof }: WitnessedUpdate): Promise<string> {
    await mkdir(this.#path, { recursive: true });
    const base64 = proof.map((hash) => Buffer.from(hash).toString('base64'));
    const file = await open(join(this.#path, `${generation}.jsonl`), 'a', 0o644);
    try {
      // A crash may have torn the last line: what comes then begins on one of its own.
      await file.appendFile(`\n${JSON.stringify({ checkpoint: note, from, proof: base64 })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    return note;
  }

  async notes(): Promise<string[]> {
    const files = await readdir(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const own = files.filter((name) => /^[a-z2-7]{26}\.jsonl$/.test(name)).sort();
    const texts = await Promise.all(own.map((name) => readFile(join(this.#path, name), 'utf8')));
    return texts.flatMap(notesIn);
  }
}

/** Notes of the lines of a witness's file; a line torn by a crash is none. */
export function notesIn(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return isObject(value) && typeof value.checkpoint === 'string' ? [value.checkpoint] : [];
    } catch {
      return [];
    }
  });
}

const TIMEOUT_MS = 5_000;
/** Signatures of one answer; a witness gives one, and a mirror a few. */
const ANSWER_BYTES_MAX = 16 * 1024;

/** C2SP tlog-witness: `add-checkpoint`, which refuses whatever does not continue what it knows. */
class HttpWitness implements Witness {
  readonly kind = 'http';
  readonly #url: URL;

  constructor(url: string) {
    this.#url = new URL('add-checkpoint', url.endsWith('/') ? url : `${url}/`);
  }

  async add({ note, from, proof }: WitnessedUpdate): Promise<string> {
    const lines = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`);
    const body = `old ${from}\n${lines.join('')}\n${note}`;
    const answer = await fetch(this.#url, {
      ...{ method: 'POST', body, redirect: 'error' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await boundedText(answer);
    if (answer.status === 409 && /^\d{1,15}\n?$/.test(text)) throw new WitnessKnows(Number(text));
    if (answer.status === 422) throw new WitnessRefuses('the witness refuses the proof');
    if (!answer.ok) throw new Error(`the witness answers ${answer.status}`);
    return cosigned(note, text);
  }

  async notes(): Promise<string[]> {
    return [];
  }
}

/** What is no signature line is left out: the note stays one. */
function cosigned(note: string, lines: string): string {
  const more = lines.split('\n').filter((line) => line.startsWith('— '));
  const text = `${note}${more.map((line) => `${line}\n`).join('')}`;
  const parsed = parseNote(text);
  return parsed !== undefined && parseCheckpoint(parsed.text) !== undefined ? text : note;
}

async function boundedText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error('the answer of the witness is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
