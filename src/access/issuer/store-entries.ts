import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { prepared } from '../../kernel/statements.ts';
import type { Payload } from './store-types.ts';

/** What the library keeps of clients, grants, logins, codes and refresh tokens. */
export interface EntryRows {
  upsert(model: string, id: string, payload: Payload, expiresInSeconds: number | undefined): void;
  find(model: string, id: string): Payload | undefined;
  findByUid(uid: string): Payload | undefined;
  /** @returns whether it was not used before: of two at once, one wins */
  consume(model: string, id: string): boolean;
  destroy(model: string, id: string): void;
  destroyOfGrant(model: string, grantId: string): void;
}

/** Of these the id is all that one has to show: the file keeps what it hashes to. */
const SECRET_IDS = new Set(['RefreshToken', 'AuthorizationCode']);

export function entryRows(db: DatabaseSync, now: () => number): EntryRows {
  return {
    upsert(model, id, payload, expiresInSeconds) {
      const key = keyOf(model, id);
      makeRoom(db, model, key);
      const { uid, clientId, client_id, grantId } = payload;
      const end = expiresInSeconds === undefined ? null : now() + expiresInSeconds;
      const text = JSON.stringify(withoutSecret(model, payload));
      prepared(db, 'INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(
        ...[model, key, text, textOrNull(uid)],
        ...[textOrNull(clientId ?? client_id), textOrNull(grantId), end, now()],
      );
    },
    find(model, id) {
      const sql = `SELECT payload FROM entry WHERE model = ? AND id = ?
        AND (expires_at IS NULL OR expires_at > ?)`;
      const row = prepared(db, sql).get(model, keyOf(model, id), now());
      if (row === undefined) return undefined;
      const payload = JSON.parse(String(row.payload)) as Payload;
      return SECRET_IDS.has(model) ? { ...payload, jti: id } : payload;
    },
    findByUid(uid) {
      const sql = 'SELECT payload FROM entry WHERE uid = ? AND expires_at > ?';
      const row = prepared(db, sql).get(uid, now());
      return row === undefined ? undefined : (JSON.parse(String(row.payload)) as Payload);
    },
    consume(model, id) {
      const sql = `UPDATE entry SET payload = json_set(payload, '$.consumed', ?)
        WHERE model = ? AND id = ? AND json_extract(payload, '$.consumed') IS NULL`;
      return prepared(db, sql).run(now(), model, keyOf(model, id)).changes > 0;
    },
    destroy(model, id) {
      prepared(db, 'DELETE FROM entry WHERE model = ? AND id = ?').run(model, keyOf(model, id));
    },
    destroyOfGrant(model, grantId) {
      prepared(db, 'DELETE FROM entry WHERE model = ? AND grant_id = ?').run(model, grantId);
    },
  };
}

/** The oldest give way, but for clients that somebody still trusts. @throws Fault RATE_LIMITED */
function makeRoom(db: DatabaseSync, model: string, key: string): void {
  const max = model === 'Client' ? LIMITS.issuer.clientsMax : LIMITS.issuer.entriesMax;
  const counted = prepared(db, 'SELECT count(*) AS n FROM entry WHERE model = ? AND id <> ?');
  const { n } = counted.get(model, key) as { n: number };
  if (n < max) return;
  const { changes } = prepared(
    db,
    `DELETE FROM entry WHERE model = ?1 AND id = (SELECT id FROM entry WHERE model = ?1
       AND (?1 <> 'Client' OR id NOT IN (SELECT client_id FROM consent)) ORDER BY written_at LIMIT 1)`,
  ).run(model);
  if (changes === 0) {
    throw new Fault('RATE_LIMITED', { detail: 'There are too many registered clients.' });
  }
}

function keyOf(model: string, id: string): string {
  return SECRET_IDS.has(model) ? createHash('sha256').update(id).digest('base64url') : id;
}

function withoutSecret(model: string, payload: Payload): Payload {
  if (!SECRET_IDS.has(model)) return payload;
  const { jti: _id, ...rest } = payload;
  return rest;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
