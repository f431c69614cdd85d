import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { prepared } from '../../kernel/statements.ts';
import type { Issued, Payload } from './store-types.ts';

/** Access tokens: JSON Web Tokens, of which the library keeps none, so that they can be taken back. */
export interface TokenRows {
  find(model: string, tokenId: string): Payload | undefined;
  add(token: Issued): void;
  grantOf(tokenId: string): string | undefined;
  /** With all that were exchanged for it. */
  revoke(tokenId: string): void;
  revokeOfGrant(grantId: string): void;
  revokeOfClient(clientId: string): void;
  revoked(nowSeconds: number): { readonly tokenId: string; readonly expiresAt: number }[];
}

export function tokenRows(
  db: DatabaseSync,
  onRevoked: (tokenId: string, expiresAt: number) => void,
): TokenRows {
  const row = (tokenId: string) =>
    prepared(db, 'SELECT * FROM issued WHERE token_id = ?').get(tokenId);
  const revoke = (tokenId: string): void => {
    const found = row(tokenId);
    if (found === undefined) return;
    const expiresAt = Number(found.expires_at);
    prepared(db, 'INSERT OR IGNORE INTO revoked VALUES (?, ?)').run(tokenId, expiresAt);
    prepared(db, 'DELETE FROM issued WHERE token_id = ?').run(tokenId);
    onRevoked(tokenId, expiresAt);
    revokeBy('parent_id', tokenId);
  };
  const revokeBy = (column: 'parent_id' | 'grant_id' | 'client_id', value: string): void => {
    const rows = prepared(db, `SELECT token_id FROM issued WHERE ${column} = ?`).all(value);
    for (const { token_id } of rows) revoke(String(token_id));
  };
  return {
    find(model, tokenId) {
      const found = row(tokenId);
      const payload = found && (JSON.parse(String(found.payload)) as Payload);
      return payload?.kind === model ? payload : undefined;
    },
    add({ tokenId, clientId, grantId, parentId, expiresAt, payload }) {
      const { n } = prepared(db, 'SELECT count(*) AS n FROM issued').get() as { n: number };
      if (n >= LIMITS.issuer.tokensMax) {
        throw new Fault('RATE_LIMITED', {
          detail: 'There are too many tokens that have not ended.',
        });
      }
      const values = [tokenId, clientId, grantId ?? null, parentId ?? null, expiresAt] as const;
      const text = JSON.stringify(payload);
      prepared(db, 'INSERT INTO issued VALUES (?, ?, ?, ?, ?, ?)').run(...values, text);
    },
    grantOf(tokenId) {
      const grant = row(tokenId)?.grant_id;
      return typeof grant === 'string' ? grant : undefined;
    },
    revoke,
    revokeOfGrant: (grantId) => revokeBy('grant_id', grantId),
    revokeOfClient: (clientId) => revokeBy('client_id', clientId),
    revoked(nowSeconds) {
      const rows = prepared(db, 'SELECT * FROM revoked WHERE expires_at > ?').all(nowSeconds);
      return rows.map(({ token_id, expires_at }) => ({
        tokenId: String(token_id),
        expiresAt: Number(expires_at),
      }));
    },
  };
}
