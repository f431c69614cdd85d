import { z } from 'zod';
import { Fault } from '../../kernel/errors.ts';
import { canonicalJson, isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { ResourceJson } from '../ports.ts';
import type { BundleEntry } from './records.ts';
import { refused } from './refusal.ts';
import { resourceShape, SHAPES } from './shapes.ts';

const bundleShape = z.looseObject({
  resourceType: z.literal('Bundle'),
  type: z.enum(['transaction', 'batch', 'collection']),
  entry: z.array(z.unknown()).optional(),
});

const entryShape = z.looseObject({
  fullUrl: z.string().optional(),
  resource: z.looseObject({}).optional(),
  request: z.looseObject({ method: z.string(), url: z.string() }).optional(),
});

const RESOURCE_URL = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})$/;

/**
 * Reads a FHIR R4 Bundle (`transaction`, `batch` or `collection`) of UTF-8 JSON, whole or not at
 * all. Resources come back as they were sent, only with the id that they are to have.
 * @throws Fault TOO_LARGE; REFUSED_INPUT with data {entry, path, reason}, never with a value.
 */
export function readBundle(json: Uint8Array): BundleEntry[] {
  if (json.byteLength > LIMITS.bundleBytesMax) throw new Fault('TOO_LARGE');
  const bundle = parse(json);
  checkShape(bundleShape, bundle, undefined, '');
  const raw = (bundle as z.infer<typeof bundleShape>).entry ?? [];
  if (raw.length > LIMITS.bundleEntriesMax) {
    throw refused({
      path: 'entry',
      reason: 'too-many-entries',
      says: `More than ${LIMITS.bundleEntriesMax} entries; send several bundles.`,
    });
  }
  return withoutRepeats(raw.map(readEntry));
}

function parse(json: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    // The parser's message quotes the text, so it is not kept as a cause either.
    throw refused({ path: '', reason: 'json', says: 'Not UTF-8 JSON; send a FHIR R4 Bundle.' });
  }
}

function readEntry(raw: unknown, index: number): BundleEntry {
  checkShape(entryShape, raw, index, '');
  const { fullUrl, resource, request } = raw as z.infer<typeof entryShape>;
  const url = fullUrl === undefined ? {} : { fullUrl };
  const method = request?.method ?? 'PUT';
  if (method === 'DELETE') {
    return { index, ...url, operation: 'delete', ...deleted(request?.url ?? '', index) };
  }
  if (method !== 'PUT' && method !== 'POST') {
    throw refused({
      entry: index,
      path: 'request.method',
      reason: 'method',
      says: 'Only PUT, POST and DELETE are accepted.',
    });
  }
  if (resource === undefined) {
    throw refused({ entry: index, path: 'resource', reason: 'missing', says: 'It is missing.' });
  }
  const checked = readResource(resource, index, fullUrl);
  const { resourceType: type, id } = checked;
  return { index, ...url, operation: 'put', type, id, resource: checked };
}

function deleted(url: string, entry: number): { type: string; id: string } {
  const [, type, id] = RESOURCE_URL.exec(url) ?? [];
  if (type !== undefined && id !== undefined) return { type, id };
  throw refused({
    entry,
    path: 'request.url',
    reason: 'url',
    says: 'A DELETE names one resource as Type/id.',
  });
}

function readResource(
  resource: Record<string, unknown>,
  index: number,
  fullUrl: string | undefined,
): ResourceJson & { id: string } {
  checkNesting(resource, index);
  checkShape(resourceShape, resource, index, 'resource');
  const checked = resource as ResourceJson;
  const shape = Object.hasOwn(SHAPES, checked.resourceType)
    ? SHAPES[checked.resourceType]
    : undefined;
  if (shape !== undefined) checkShape(shape, checked, index, 'resource');
  const id = typeof checked.id === 'string' ? checked.id : idOf(fullUrl, index);
  const whole = { ...checked, id };
  if (Buffer.byteLength(JSON.stringify(whole)) <= LIMITS.recordBytesMax) return whole;
  throw refused({
    entry: index,
    path: 'resource',
    reason: 'too-large',
    says: `Larger than ${LIMITS.recordBytesMax} bytes; leave large attachments out.`,
  });
}

function idOf(fullUrl: string | undefined, entry: number): string {
  const [, id] = /^urn:uuid:([A-Za-z0-9-]{1,64})$/.exec(fullUrl ?? '') ?? [];
  if (id !== undefined) return id;
  throw refused({
    entry,
    path: 'resource.id',
    reason: 'id',
    says: 'There is no id: give one, or a fullUrl of urn:uuid.',
  });
}

/** Bounds recursion everywhere behind this, and keeps `__proto__` from ever being assigned. */
function checkNesting(resource: unknown, entry: number): void {
  let level: unknown[] = [resource];
  for (let depth = 0; level.length > 0; depth += 1) {
    const bad = depth > LIMITS.resourceDepthMax || level.some(hasProto);
    if (bad) {
      throw refused({
        entry,
        path: 'resource',
        reason: 'nesting',
        says: `Nested deeper than ${LIMITS.resourceDepthMax} levels, or with a forbidden name.`,
      });
    }
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
}

function hasProto(value: unknown): boolean {
  return isObject(value) && Object.hasOwn(value, '__proto__');
}

/** The same record twice is one record; two versions of one record are refused. */
function withoutRepeats(entries: readonly BundleEntry[]): BundleEntry[] {
  const first = new Map<string, BundleEntry>();
  for (const entry of entries) {
    const key = `${entry.type}/${entry.id}`;
    const known = first.get(key);
    if (known === undefined) first.set(key, entry);
    else if (contentOf(known) !== contentOf(entry)) {
      throw refused({
        entry: entry.index,
        path: 'resource.id',
        reason: 'repeated',
        says: `Entry ${known.index} holds another version of the same resource; send one.`,
      });
    }
  }
  return [...first.values()];
}

function contentOf({ operation, resource }: BundleEntry): string {
  return `${operation} ${canonicalJson(resource)}`;
}

function checkShape(
  shape: z.ZodType,
  value: unknown,
  entry: number | undefined,
  root: string,
): void {
  const issue = shape.safeParse(value).error?.issues[0];
  if (issue === undefined) return;
  const path = [root, ...issue.path.map(String)]
    .filter((part) => part !== '')
    .reduce((all, part) => (/^\d+$/.test(part) ? `${all}[${part}]` : `${all}.${part}`), '')
    .replace(/^\./, '');
  throw refused({
    ...(entry !== undefined && { entry }),
    path,
    reason: 'shape',
    says: `${saysOf(issue)} as FHIR R4 defines it; correct it at the source.`,
  });
}

/** Our own words for an issue; zod's messages are not shown. */
function saysOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `It is missing or not of type ${issue.expected}`;
  if (issue.code === 'invalid_value') return `It is not one of ${issue.values.join(', ')}`;
  if (issue.code === 'invalid_format') return 'It has not the form';
  return 'It has not the shape';
}
