import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Variant } from '../contract/documents.ts';
import { type CanonicalText, canonicalJson, type JsonObject } from '../kernel/json.ts';
import { attachmentTexts } from './documents/attachments.ts';
import { findingOf, words } from './documents/findings/index.ts';
import { memberRecords, recordSet } from './documents/records.ts';
import { PROTECTED_NOTICE } from './documents/registry.ts';
import type { StoredSource } from './ports.ts';

/** 22 characters of base64url. */
const ETAG_BYTES = 16;

export interface EtagParts {
  readonly uri: string;
  readonly variant: Variant;
  /** Which field classes are shown. */
  readonly fields: string;
  readonly projection: number;
  readonly data: JsonObject | CanonicalText;
  readonly notices: readonly string[];
}

/** Keyed, so that the content of a small section cannot be guessed (contract "etag"). */
export function etagOf(
  key: Uint8Array,
  { uri, variant, fields, projection, data, notices }: EtagParts,
): string {
  const text = canonicalJson({ uri, variant, fields, projection, data, notices });
  const digest = createHmac('sha256', keyObjectOf(key)).update(text).digest();
  return `"${digest.subarray(0, ETAG_BYTES).toString('base64url')}"`;
}

const KEY_OBJECTS = new WeakMap<Uint8Array, KeyObject>();

/** To make one of the bytes for each etag costs twice as much as the rest. */
function keyObjectOf(key: Uint8Array): KeyObject {
  const known = KEY_OBJECTS.get(key) ?? createSecretKey(key);
  KEY_OBJECTS.set(key, known);
  return known;
}

/** A source document: the record as accepted, where it came from, and its notes in plain text. */
export function sourceDocument(
  source: StoredSource,
  variant: Variant,
): { title: string; data: JsonObject; notices: string[] } {
  const [record] = memberRecords(source.subject.id, [source]);
  if (record === undefined) return { title: words(source.type), data: {}, notices: [] };
  const texts = attachmentTexts(record.resource);
  return {
    title: `${words(source.type)}: ${findingOf(record, recordSet([record])).title}`,
    data: {
      resource: record.resource,
      provenance: { source: source.provenance.source },
      ...(Object.keys(source.names).length > 0 && { names: { ...source.names } }),
      ...(texts.length > 0 && { texts }),
    },
    notices: variant === 'general' ? [PROTECTED_NOTICE] : [],
  };
}
