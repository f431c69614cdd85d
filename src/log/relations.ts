import type { DatabaseSync } from 'node:sqlite';
import type { RelationChange } from '../twin/ports.ts';
import { relationshipKey } from '../twin/relationships.ts';
import { digestOf, relationBodyOf } from './integrity.ts';
import { TOPICS } from './schema.ts';

/** Appends to the journal inside the caller's transaction; answers the offset. */
export function appendRelation(
  db: DatabaseSync,
  { operation, relationship }: RelationChange,
  { at, actor }: { readonly at: number; readonly actor: string },
): number {
  const next = db
    .prepare(`INSERT INTO ends VALUES (?, 0, 1)
      ON CONFLICT DO UPDATE SET next = next + 1 RETURNING next`)
    .get(TOPICS.relations);
  const offset = Number(next?.next) - 1;
  const gone = operation === 'delete' ? 1 : 0;
  const body = JSON.stringify({ operation, relationship });
  const row = [offset, relationshipKey(relationship), at, actor, gone, body] as const;
  db.prepare('INSERT INTO relations VALUES (?, ?, ?, ?, ?, ?, ?)').run(...row, digestOf(...row));
  return offset;
}

export function readRelations(
  db: DatabaseSync,
  offset: number,
  limit: number,
): { offset: number; change: RelationChange }[] {
  return db
    .prepare('SELECT * FROM relations WHERE offset >= ? ORDER BY offset LIMIT ?')
    .all(offset, limit)
    .map((row) => ({
      offset: Number(row.offset),
      change: JSON.parse(relationBodyOf(row)) as RelationChange,
    }));
}
