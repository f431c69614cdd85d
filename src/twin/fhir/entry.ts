import { z } from 'zod';
import { isObject } from '../../kernel/json.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { ResourceJson } from '../ports.ts';
import { objectOf, stringOf } from './elements.ts';
import type { BundleEntry } from './records.ts';
import { identifierOf } from './references.ts';
import { type Position, refused } from './refusal.ts';
import { checkShape, dateTime, resourceShape, SHAPES } from './shapes.ts';

const entryShape = z.looseObject({
  fullUrl: z.string().optional(),
  resource: z.looseObject({}).optional(),
  request: z
    .looseObject({
      method: z.string(),
      url: z.string(),
      ifNoneExist: z.string().optional(),
      ifMatch: z.string().optional(),
      ifNoneMatch: z.string().optional(),
    })
    .optional(),
  response: z.looseObject({ lastModified: dateTime.optional() }).optional(),
});

const ETAG = /^(?:W\/)?"[\x21\x23-\x7e]{1,128}"$/;
const RESOURCE_URL = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/;

/**
 * One entry of a bundle. Its time is `meta.lastUpdated`, else the time of its version in a history.
 * @param deletedAt the bundle's own `meta.lastUpdated`, which dates the deletions of an export
 * @throws Refusal
 */
export function readEntry(raw: unknown, at: Position, deletedAt: unknown): BundleEntry {
  checkShape(entryShape, raw, at, '');
  const { fullUrl, resource, request, response } = raw as z.infer<typeof entryShape>;
  const url = fullUrl === undefined ? {} : { fullUrl };
  const method = request?.method ?? 'PUT';
  if (method === 'DELETE') {
    const gone = deleted(request?.url ?? '', at);
    const time = timeOf(response?.lastModified, deletedAt);
    return { ...at, ...url, operation: 'delete', ...gone, ...time, ...preconditionOf(request, at) };
  }
  if (method !== 'PUT' && method !== 'POST') {
    const says = 'Only PUT, POST and DELETE are accepted.';
    throw refused({ at, path: 'request.method', reason: 'method', says });
  }
  if (resource === undefined) {
    throw refused({ at, path: 'resource', reason: 'missing', says: 'It is missing.' });
  }
  const entry = readResource(resource, at, { fullUrl, lastModified: response?.lastModified });
  const ifNoneExist = method === 'POST' ? request?.ifNoneExist : undefined;
  const precondition = preconditionOf(request, at);
  if (ifNoneExist === undefined) return { ...entry, ...url, ...precondition };
  return { ...entry, ...url, ifNoneExist: conditionOf(ifNoneExist, at, entry.type) };
}

/** A resource, shape checked, with the id that it is to have. @throws Refusal */
export function readResource(
  raw: unknown,
  at: Position,
  { fullUrl, lastModified }: { fullUrl?: string | undefined; lastModified?: unknown } = {},
): BundleEntry {
  checkNesting(raw, at);
  checkShape(resourceShape, raw, at, 'resource');
  const checked = raw as ResourceJson;
  const type = checked.resourceType;
  const shape = Object.hasOwn(SHAPES, type) ? SHAPES[type] : undefined;
  if (shape !== undefined) checkShape(shape, checked, at, 'resource', type);
  const id = typeof checked.id === 'string' ? checked.id : idOf(fullUrl, at, type);
  const resource = { ...checked, id };
  const time = timeOf(objectOf(checked.meta).lastUpdated, lastModified);
  if (Buffer.byteLength(JSON.stringify(resource)) <= LIMITS.recordBytesMax) {
    return { ...at, operation: 'put', type, id, resource, ...time };
  }
  const says = `Larger than ${LIMITS.recordBytesMax} bytes; leave large attachments out.`;
  throw refused({ at, type, path: 'resource', reason: 'too-large', says });
}

function deleted(url: string, at: Position): { type: string; id: string } {
  const [, type, id] = RESOURCE_URL.exec(url) ?? [];
  if (type !== undefined && id !== undefined) return { type, id };
  const says = 'A DELETE names one resource as Type/id.';
  throw refused({ at, path: 'request.url', reason: 'url', says });
}

function timeOf(...times: readonly unknown[]): { lastUpdatedMs?: number } {
  for (const time of times) {
    const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
    if (Number.isFinite(ms)) return { lastUpdatedMs: ms };
  }
  return {};
}

/** FHIR R4 §3.1.0.5 and §3.1.0.4.3. An etag as readers get it, weak or strong. */
function preconditionOf(
  request: z.infer<typeof entryShape>['request'],
  at: Position,
): Pick<BundleEntry, 'precondition'> {
  const { ifMatch, ifNoneMatch, method } = request ?? {};
  if (ifMatch === undefined && ifNoneMatch === undefined) return {};
  const isOne = (ifMatch === undefined) !== (ifNoneMatch === undefined);
  if (isOne && ifNoneMatch === '*' && method === 'PUT') return { precondition: { kind: 'absent' } };
  if (isOne && ifMatch !== undefined && ETAG.test(ifMatch) && method !== 'POST') {
    return { precondition: { kind: 'match', etag: ifMatch } };
  }
  const path = ifMatch === undefined ? 'request.ifNoneMatch' : 'request.ifMatch';
  const says = 'Give a PUT or DELETE one ifMatch with an etag, or a PUT ifNoneMatch with *.';
  throw refused({ at, path, reason: 'precondition', says });
}

/** FHIR R4 §3.1.0.8.1; only a search by identifier can be decided here. */
function conditionOf(query: string, at: Position, type: string): { system: string; value: string } {
  const [system, value] = identifierOf(query.replace(/^\?/, ''));
  if (stringOf(value) !== undefined) return { system, value };
  const says = 'Only identifier=system|value is understood; give that, or leave it out.';
  throw refused({ at, type, path: 'request.ifNoneExist', reason: 'if-none-exist', says });
}

function idOf(fullUrl: string | undefined, at: Position, type: string): string {
  const [, id] = /^urn:uuid:([A-Za-z0-9-]{1,64})$/.exec(fullUrl ?? '') ?? [];
  if (id !== undefined) return id;
  const says = 'There is no id: give one, or a fullUrl of urn:uuid.';
  throw refused({ at, type, path: 'resource.id', reason: 'id', says });
}

/** Bounds recursion everywhere behind this, and keeps `__proto__` from ever being assigned. */
function checkNesting(resource: unknown, at: Position): void {
  let level: unknown[] = [resource];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > LIMITS.resourceDepthMax || level.some(hasProto)) {
      const says = `Nested deeper than ${LIMITS.resourceDepthMax} levels, or with a forbidden name.`;
      throw refused({ at, path: 'resource', reason: 'nesting', says });
    }
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
}

function hasProto(value: unknown): boolean {
  return isObject(value) && Object.hasOwn(value, '__proto__');
}
