import { createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import { isObject } from '../../kernel/json.ts';
import { Undecodable } from '../events/undecodable.ts';
import type { Cell, StateRow } from './capture.ts';
import type { KafkaMessage } from './client.ts';

/**
 * The key under which a row of the decider stands on Kafka. What names a row may be a plan or record
 * number, and keys are shown by every tool: so the key tells nothing, and the row's own stands in
 * the value (P9).
 */
export interface RowKeys {
  /** The same for the same row, so that compaction keeps its last version. */
  keyOf(row: Pick<StateRow, 'table' | 'key'>): string;
  /** By which secret and in which form: what was read under another must be read anew. */
  readonly id: string;
}

const KEY_BYTES = 32;
/** Of the form of keys and values; an instance that knows only the form before stops at it. */
const FORM = 'r1.';

/** @param secret a key of the deployment: the same on every instance, and never replaced */
export function rowKeysFrom(secret: Uint8Array): RowKeys {
  const bytes = new Uint8Array(hkdfSync('sha256', secret, '', 'rows of the decider 1', KEY_BYTES));
  // To make a key of the bytes for each row costs more than its digest.
  const key = createSecretKey(bytes);
  const digest = (text: string): string =>
    createHmac('sha256', key).update(text).digest('base64url');
  const known = new WeakMap<object, string>();
  return {
    keyOf(row) {
      const name = known.get(row) ?? FORM + digest(JSON.stringify([row.table, ...row.key]));
      known.set(row, name);
      return name;
    },
    id: FORM + digest('').slice(0, 8),
  };
}

export function rowMessage(topic: string, keys: RowKeys, state: StateRow): KafkaMessage {
  const { table, key, row } = state;
  const value = row === null ? null : Buffer.from(JSON.stringify({ table, key, row }));
  return { ...goneMessage(topic, keys.keyOf(state)), value };
}

/** Whatever stood under this key is gone. */
export function goneMessage(topic: string, name: string): KafkaMessage {
  return { topic, partition: 0, key: Buffer.from(name), value: null };
}

/**
 * What a record says of a row; `null` where it is a tombstone, which names its row by the key alone.
 * Before keys were opaque they were `[table, ...key]`, and the value was the row.
 * @throws Undecodable, telling nothing of the record
 */
export function stateRowOf(name: string, value: string | null): StateRow | null {
  if (value === null) return null;
  const said = parsed(value);
  const state = name.startsWith('[') ? rowBefore(parsed(name), said) : said;
  if (!isObject(state) || !isObject(state.row)) throw unreadable();
  const { table, key, row } = state;
  if (typeof table !== 'string' || !isCells(key) || !isCells(Object.values(row)))
    throw unreadable();
  return { table, key, row: row as Record<string, Cell> };
}

function rowBefore(name: unknown, row: unknown): unknown {
  const [table, ...key] = Array.isArray(name) ? name : [];
  return { table, key, row };
}

function isCells(given: unknown): given is Cell[] {
  if (!Array.isArray(given)) return false;
  return given.every((one) => one === null || typeof one === 'string' || typeof one === 'number');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without its cause, which would quote the text.
    throw unreadable();
  }
}

function unreadable(): Undecodable {
  return new Undecodable('MALFORMED', 'a record of twins.decider is no row of a decider');
}
