import { z } from 'zod';
import { Fault } from '../../kernel/errors.ts';
import { canonicalJson, isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { objectOf } from './elements.ts';
import { readEntry, readResource } from './entry.ts';
import { newestOf } from './newest.ts';
import type { BundleEntry, Submission, Unit } from './records.ts';
import { Refusal, refused } from './refusal.ts';
import { checkShape } from './shapes.ts';

const bundleShape = z.looseObject({
  resourceType: z.literal('Bundle'),
  type: z.enum(['transaction', 'batch', 'collection', 'searchset', 'history']),
  entry: z.array(z.unknown()).optional(),
});

/**
 * Reads what one request brings, as UTF-8 JSON: a FHIR R4 Bundle or one resource, or (`ndjson`)
 * lines of either. Resources come back as they were sent, only with the id that they are to have.
 * @throws Fault TOO_LARGE; Refusal where the whole of it cannot be read, never with a value.
 */
export function readSubmission(json: Uint8Array, format: 'json' | 'ndjson' = 'json'): Submission {
  if (json.byteLength > LIMITS.bundleBytesMax) throw new Fault('TOO_LARGE');
  if (format === 'ndjson') return { alone: false, units: readLines(textOf(json)) };
  const value = parse(textOf(json));
  if (!isBundle(value)) {
    const entry = readResource(value, { index: 0 });
    return { alone: true, units: [{ whole: false, entries: [entry], ...NOTHING_ELSE }] };
  }
  const unit = readBundle(value);
  return { alone: unit.whole, units: [unit] };
}

const NOTHING_ELSE: Pick<Unit, 'superseded' | 'refusals'> = { superseded: [], refusals: [] };

/** @throws Refusal where the bundle itself is wrong, or an entry of a transaction is. */
function readBundle(value: unknown, line?: number): Unit {
  checkShape(bundleShape, value, undefined, '');
  const { type, entry: raw = [], meta } = value as z.infer<typeof bundleShape>;
  if (raw.length > LIMITS.bundleEntriesMax) throw tooMany('entries');
  const whole = type === 'transaction';
  const entries: BundleEntry[] = [];
  const refusals: Refusal[] = [];
  for (const [index, one] of raw.entries()) {
    const at = { index, ...(line !== undefined && { line }) };
    const read = attempt(() => readEntry(one, at, objectOf(meta as never).lastUpdated));
    if (!(read instanceof Refusal)) entries.push(read);
    else if (whole) throw read;
    else refusals.push(read);
  }
  if (whole) return { whole, ...NOTHING_ELSE, entries: withoutRepeats(entries) };
  // A history is told newest first (FHIR R4 §3.1.0.10).
  return { whole, refusals, ...newestOf(type === 'history' ? entries.toReversed() : entries) };
}

/** Lines that follow each other and are single resources belong together, as in one bundle. */
function readLines(text: string): Unit[] {
  const units: Unit[] = [];
  let single: { entries: BundleEntry[]; refusals: Refusal[] } = { entries: [], refusals: [] };
  const close = (): void => {
    const { entries, refusals } = single;
    if (entries.length + refusals.length === 0) return;
    units.push({ whole: false, refusals, ...newestOf(entries) });
    single = { entries: [], refusals: [] };
  };
  const lines = text.split('\n');
  if (lines.length > LIMITS.bundleEntriesMax) throw tooMany('lines');
  for (const [index, json] of lines.entries()) {
    if (json.trim() === '') continue;
    const line = index + 1;
    const read = attempt(() => readLine(json, line));
    if (read instanceof Refusal) single.refusals.push(read);
    else if ('whole' in read) {
      close();
      units.push(read);
    } else single.entries.push(read);
  }
  close();
  return units;
}

function readLine(json: string, line: number): Unit | BundleEntry {
  const at = { index: 0, line };
  try {
    const value = parse(json);
    return isBundle(value) ? readBundle(value, line) : readResource(value, at);
  } catch (error) {
    if (!(error instanceof Refusal) || error.at !== undefined) throw error;
    throw refused({ ...error, at });
  }
}

function isBundle(value: unknown): boolean {
  return isObject(value) && value.resourceType === 'Bundle';
}

function textOf(json: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(json);
  } catch {
    throw notJson();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text, so it is not kept as a cause either.
    throw notJson();
  }
}

function notJson(): Refusal {
  const says = 'Not UTF-8 JSON; send a FHIR R4 Bundle or resource.';
  return refused({ path: '', reason: 'json', says });
}

function tooMany(what: 'entries' | 'lines'): Refusal {
  const says = `More than ${LIMITS.bundleEntriesMax} ${what}; send several requests.`;
  return refused({ path: 'entry', reason: 'too-many-entries', says });
}

function attempt<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** In a transaction the same record twice is one record; two versions of one are refused. */
function withoutRepeats(entries: readonly BundleEntry[]): BundleEntry[] {
  const first = new Map<string, BundleEntry>();
  for (const entry of entries) {
    const key = `${entry.type}/${entry.id}`;
    const known = first.get(key);
    if (known === undefined) first.set(key, entry);
    else if (contentOf(known) !== contentOf(entry)) {
      const says = `Entry ${known.index} holds another version of the same resource; send one.`;
      throw refused({ at: entry, path: 'resource.id', reason: 'repeated', says });
    }
  }
  return [...first.values()];
}

function contentOf({ operation, resource }: BundleEntry): string {
  return `${operation} ${canonicalJson(resource)}`;
}
