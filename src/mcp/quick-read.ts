import type { IncomingHttpHeaders } from 'node:http';
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
} from '@modelcontextprotocol/server';
import { META } from '../contract/meta.ts';
import { isObject } from '../kernel/json.ts';
import type { Caller, DocumentText, KnownRead, Reader } from '../twin/reader/index.ts';
import type { McpParts } from './parts.ts';

/**
 * The hot path of `resources/read` (2026-07-28): in front of the SDK's handler, and only ever its
 * success. Whatever is not recognised here to the last key goes on to the SDK, before anything was
 * checked or audited; `test/hot-reads.full.test.ts` compares both over one grammar of requests.
 */
export interface QuickReads {
  /** The body of the answer, or `undefined`: then the SDK answers. */
  answer(
    headers: IncomingHttpHeaders,
    body: unknown,
    caller: Caller,
  ): Promise<Buffer | undefined> | undefined;
}

const VERSION = '2026-07-28';
const METHOD = 'resources/read';
const ACCEPT = 'application/json, text/event-stream';
/** A longer id is nobody's, and an id is quoted in the answer. */
const ID_CHARS_MAX = 64;
const INFO_KEYS: ReadonlySet<string> = new Set(['name', 'version', 'title']);
const CAPABILITIES: ReadonlySet<string> = new Set(['elicitation', 'sampling', 'roots']);

/** @param serverInfo as the SDK puts it into each result */
export function createQuickReads(
  {
    reader,
    hotReads,
    metrics,
  }: Pick<McpParts, 'hotReads' | 'metrics'> & { readonly reader: Pick<Reader, 'readKnown'> },
  serverInfo: object,
): QuickReads {
  const server = JSON.stringify({ [SERVER_INFO_META_KEY]: serverInfo }).slice(1, -1);
  const quoted = new WeakMap<DocumentText, Quoted>();
  const end = Buffer.from(`${server}},"resultType":"complete"},"jsonrpc":"2.0","id":`);
  const bodyOf = (id: string | number, { document, position, ttlMs }: KnownRead): Buffer => {
    const known = quoted.get(document) ?? quote(document);
    quoted.set(document, known);
    const meta = `"}],"ttlMs":${ttlMs},"cacheScope":"private","_meta":{${known.etag},"${META.position}":"${position}",`;
    const last = Buffer.from(`${JSON.stringify(id)}}`);
    const place = Buffer.from(position, 'latin1');
    const parts = [known.before, place, known.after, Buffer.from(meta, 'latin1'), end, last];
    return Buffer.concat(parts);
  };
  return {
    answer(headers, body, caller) {
      const request = recognise(headers, body);
      if (request === undefined || !hotReads()) return undefined;
      // A record that could not be written is the door's to tell: nothing was shown.
      return reader.readKnown(caller, request.uri)?.then(
        (read) => {
          if (read === undefined) return undefined;
          metrics?.hotRead();
          return bodyOf(request.id, read);
        },
        () => undefined,
      );
    },
  };
}

/** As bytes: a document is written as text once, not once a read. */
interface Quoted {
  readonly before: Buffer;
  readonly after: Buffer;
  readonly etag: string;
}

/** The document as the string that `contents[0].text` is, cut where its position stands. */
function quote({ uri, etag, before, after }: DocumentText): Quoted {
  const named = JSON.stringify(uri);
  return {
    before: Buffer.from(
      `{"result":{"contents":[{"uri":${named},"mimeType":"application/json","text":` +
        JSON.stringify(before).slice(0, -1),
    ),
    after: Buffer.from(JSON.stringify(after).slice(1, -1)),
    etag: `"${META.etag}":${JSON.stringify(etag)}`,
  };
}

function recognise(
  headers: IncomingHttpHeaders,
  body: unknown,
): { readonly id: string | number; readonly uri: string } | undefined {
  if (headers['mcp-method'] !== METHOD || !isObject(body)) return undefined;
  const { jsonrpc, id, method, params } = body;
  if (jsonrpc !== '2.0' || method !== METHOD || !isObject(params)) return undefined;
  const { uri, _meta: meta } = params;
  if (typeof uri !== 'string' || !isObject(meta) || !isId(id)) return undefined;
  const known =
    keysOf(body) === 4 && keysOf(params) === 2 && keysOf(meta) === 3 && isEnvelope(meta);
  return known && areHeaders(headers, uri) ? { id, uri } : undefined;
}

function areHeaders(headers: IncomingHttpHeaders, uri: string): boolean {
  return (
    headers['mcp-protocol-version'] === VERSION &&
    headers['mcp-name'] === uri &&
    headers.accept === ACCEPT &&
    headers['mcp-session-id'] === undefined &&
    headers['last-event-id'] === undefined
  );
}

function isEnvelope(meta: Readonly<Record<string, unknown>>): boolean {
  return (
    meta[PROTOCOL_VERSION_META_KEY] === VERSION &&
    isClientInfo(meta[CLIENT_INFO_META_KEY]) &&
    areCapabilities(meta[CLIENT_CAPABILITIES_META_KEY])
  );
}

function isClientInfo(info: unknown): boolean {
  if (!isObject(info) || typeof info.name !== 'string' || typeof info.version !== 'string') {
    return false;
  }
  return Object.entries(info).every(
    ([key, value]) => INFO_KEYS.has(key) && typeof value === 'string',
  );
}

/** Those that say nothing but that they are there. */
function areCapabilities(capabilities: unknown): boolean {
  if (!isObject(capabilities)) return false;
  return Object.entries(capabilities).every(
    ([key, value]) => CAPABILITIES.has(key) && isObject(value) && keysOf(value) === 0,
  );
}

function isId(id: unknown): id is string | number {
  return typeof id === 'string' ? id.length <= ID_CHARS_MAX : Number.isSafeInteger(id);
}

function keysOf(object: object): number {
  return Object.keys(object).length;
}
