/** What is sent in one request. */
export interface Group {
  readonly json: Uint8Array<ArrayBuffer>;
  /** Lines of the file before it. */
  readonly linesBefore: number;
}

/** Lines are sent together up to this. */
const GROUP_BYTES = 2 * 1024 * 1024;
const GROUP_LINES = 10_000;
const NEWLINE = 10;

/** Gathers a document, or, where it turns out to be lines, groups of them. */
export class LineGroups {
  /** Undefined while it is not known. */
  isLines: boolean | undefined;
  /** Bytes that are held. */
  bytes = 0;
  #pieces: Uint8Array[] = [];
  #linesBefore = 0;
  #cutAt = GROUP_BYTES;

  constructor(isLines: boolean | undefined) {
    this.isLines = isLines;
  }

  *add(piece: Uint8Array): Generator<Group> {
    this.#pieces.push(piece);
    this.bytes += piece.length;
    if (this.isLines === undefined && piece.includes(NEWLINE)) {
      this.isLines = areLines(this.#gathered());
    }
    if (this.isLines === true && this.bytes >= this.#cutAt) yield* this.#cut();
  }

  *end(): Generator<Group> {
    if (this.isLines === true) yield* this.#cut();
    const json = this.#gathered();
    if (json.length > 0 || this.#linesBefore === 0) yield { json, linesBefore: this.#linesBefore };
  }

  /** Whole groups; what is left waits for more. */
  *#cut(): Generator<Group> {
    const held = this.#gathered();
    let start = 0;
    let lines = 0;
    for (let at = held.indexOf(NEWLINE); at !== -1; at = held.indexOf(NEWLINE, at + 1)) {
      lines += 1;
      if (at + 1 - start < GROUP_BYTES && lines < GROUP_LINES) continue;
      yield { json: held.subarray(start, at + 1), linesBefore: this.#linesBefore };
      this.#linesBefore += lines;
      start = at + 1;
      lines = 0;
    }
    const rest = held.subarray(start);
    this.#pieces = [rest];
    this.bytes = rest.length;
    // One very long line is not looked through again and again.
    this.#cutAt = Math.max(GROUP_BYTES, 2 * rest.length);
  }

  #gathered(): Buffer<ArrayBuffer> {
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [whole];
    return whole;
  }
}

/** Undefined where only one line is there, which may be all. */
function areLines(held: Buffer): boolean | undefined {
  const at = held.indexOf(NEWLINE);
  try {
    JSON.parse(held.toString('utf8', 0, at));
  } catch {
    return false;
  }
  return held
    .subarray(at + 1)
    .toString()
    .trim() === ''
    ? undefined
    : true;
}
