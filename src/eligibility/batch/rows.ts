import { z } from 'zod';
import { ID_PATTERN } from '../../contract/uris.ts';
import { Fault } from '../../kernel/errors.ts';
import { isDay } from '../x12/values.ts';

/** One row as it was sent; `fault` names the fields that were wrong, never what stood in them. */
export interface BatchRow {
  /** From 1; a CSV's header is no row. */
  readonly n: number;
  readonly member?: string;
  readonly coverage?: string;
  readonly serviceTypes?: readonly string[];
  readonly serviceDate?: string;
  /** The caller's own name of the row, given back in the report. */
  readonly reference?: string;
  readonly fault?: string;
}

export const BATCH_ROWS_MAX = 1_000_000;
const LINE_CHARS_MAX = 4_096;
export const BATCH_BYTES_MAX = 256 * 1024 * 1024;
const COLUMNS = ['member', 'coverage', 'serviceTypes', 'serviceDate', 'reference'] as const;

const types = z
  .array(z.string().regex(/^[A-Z0-9]{1,2}$/))
  .min(1)
  .max(99);
const rowSchema = z.strictObject({
  member: z.string().regex(ID_PATTERN),
  coverage: z
    .string()
    .regex(/^[A-Za-z0-9.-]{1,64}$/)
    .optional(),
  serviceTypes: types.optional(),
  serviceDate: z.string().refine(isDay).optional(),
  reference: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .optional(),
});

export type RowFormat = 'ndjson' | 'csv';

/**
 * Rows of a body, as they come; a malformed one is a row with a fault.
 * @throws Fault INVALID_ARGUMENT for a header that names no member, TOO_LARGE past the bounds
 */
export async function* readRows(
  chunks: AsyncIterable<Uint8Array>,
  format: RowFormat,
): AsyncGenerator<BatchRow> {
  let n = 0;
  let columns: readonly string[] | undefined;
  for await (const line of linesOf(chunks)) {
    if (line.trim() === '') continue;
    if (format === 'csv' && columns === undefined) {
      columns = headerOf(line);
      continue;
    }
    n += 1;
    if (n > BATCH_ROWS_MAX) throw tooLarge(`more than ${BATCH_ROWS_MAX} rows`);
    yield rowOf(n, columns === undefined ? jsonOf(line) : cellsOf(line, columns));
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: false });
  let rest = '';
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > BATCH_BYTES_MAX) throw tooLarge(`more than ${BATCH_BYTES_MAX} bytes`);
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_CHARS_MAX)
      throw tooLarge(`a line of more than ${LINE_CHARS_MAX} characters`);
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

function tooLarge(what: string): Fault {
  return new Fault('TOO_LARGE', { detail: `The batch has ${what}.` });
}

function jsonOf(line: string): unknown {
  try {
    return line.length > LINE_CHARS_MAX ? undefined : JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** @throws Fault INVALID_ARGUMENT naming the column */
function headerOf(line: string): readonly string[] {
  const names = fieldsOf(line)?.map((name) => name.trim().replace(/^\uFEFF/, '')) ?? [];
  const unknown = names.find((name) => !(COLUMNS as readonly string[]).includes(name));
  const isRight = names.includes('member') && new Set(names).size === names.length;
  if (unknown === undefined && isRight) return names;
  throw new Fault('INVALID_ARGUMENT', {
    detail: `The first line of a CSV names its columns, each once: member, and any of ${COLUMNS.slice(1).join(', ')}.`,
  });
}

/** An empty cell counts as left out; service types stand with spaces: `30 98`. */
function cellsOf(line: string, columns: readonly string[]): unknown {
  const fields = fieldsOf(line);
  if (fields === undefined || fields.length !== columns.length) return undefined;
  const cells = columns.flatMap((name, index) => {
    const cell = (fields[index] ?? '').trim();
    if (cell === '') return [];
    return [[name, name === 'serviceTypes' ? cell.split(/ +/) : cell] as const];
  });
  return Object.fromEntries(cells);
}

/** RFC 4180 without line breaks inside of quotes. */
function fieldsOf(line: string): string[] | undefined {
  if (line.length > LINE_CHARS_MAX) return undefined;
  const fields: string[] = [];
  const text = line.replace(/\r$/, '');
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const found = field.exec(text);
    if (found === null) return undefined;
    fields.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    if (found[3] === '') return fields;
  }
}

function rowOf(n: number, said: unknown): BatchRow {
  const read = rowSchema.safeParse(said);
  if (read.success) {
    const { member, coverage, serviceTypes, serviceDate, reference } = read.data;
    return {
      ...{ n, member },
      ...(coverage !== undefined && { coverage }),
      ...(serviceTypes !== undefined && { serviceTypes }),
      ...(serviceDate !== undefined && { serviceDate }),
      ...(reference !== undefined && { reference }),
    };
  }
  const known = new Set<string>(COLUMNS);
  const fields = read.error.issues.map(({ path: [first] }) => String(first ?? ''));
  const named = [...new Set(fields.filter((field) => known.has(field)))];
  return { n, fault: named.length > 0 ? named.join(' ') : 'row' };
}
