import { hash } from 'node:crypto';
import type { Variant } from '../contract/documents.ts';
import { CanonicalText, canonicalJson, type JsonObject } from '../kernel/json.ts';
import type { StoredSource } from '../twin/ports.ts';
import type { Project } from '../twin/projection.ts';

/** Content as a reader would see it, before it has an etag. */
export interface Content {
  readonly title: string;
  readonly data: JsonObject;
  readonly notices: readonly string[];
}

export interface EtagParts {
  readonly uri: string;
  readonly variant: Variant;
  readonly fields: string;
  readonly projection: number;
  readonly data: JsonObject | CanonicalText;
  readonly notices: readonly string[];
}

/** Everything pure that the view is computed by; the tests bring projections of their own. */
export interface Projector {
  readonly version: number;
  readonly etagKey: Uint8Array;
  readonly project: Project;
  etagOf(key: Uint8Array, parts: EtagParts): string;
  sourceDocument(source: StoredSource, variant: Variant): Content;
}

export interface Stamp {
  readonly etag: string;
  readonly digest: string;
}

/** Etag and digest of what stands at a URI. */
export function stampOf(
  { etagOf, etagKey, version }: Projector,
  uri: string,
  variant: Variant,
  { data: said, notices }: Content,
): Stamp {
  const data = canonicalOf(said);
  const fields = variant === 'minimal' ? 'minimal' : 'all';
  const parts = { uri, variant, fields, projection: version, data, notices };
  const content = canonicalJson({ data, notices });
  const digest = hash('sha256', content, 'base64url').slice(0, 22);
  return { etag: etagOf(etagKey, parts), digest };
}

/** Both variants of a document often say the same, and both an etag and a digest are made of it. */
const CANONICAL = new WeakMap<JsonObject, CanonicalText>();

function canonicalOf(data: JsonObject): CanonicalText {
  const text = CANONICAL.get(data) ?? new CanonicalText(data);
  CANONICAL.set(data, text);
  return text;
}
