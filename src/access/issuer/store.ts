import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../kernel/clock.ts';
import { inTransaction, openDatabase } from '../../kernel/sqlite.ts';
import { prepared } from '../../kernel/statements.ts';
import { accountIdOf } from './accounts.ts';
import { type EntryRows, entryRows } from './store-entries.ts';
import { type TokenRows, tokenRows } from './store-tokens.ts';

/** A grant that a person gave, and what its tokens say besides. */
export interface Consent {
  readonly grantId: string;
  readonly accountId: string;
  readonly clientId: string;
  /** v3-PurposeOfUse code; empty where none was named. */
  readonly purpose: string;
  readonly acr: string;
}

export interface IssuerStore extends Omit<EntryRows, 'destroyOfGrant'> {
  destroyOfGrant(model: string, grantId: string): void;
  readonly tokens: Pick<TokenRows, 'add' | 'grantOf'>;
  revokeToken(tokenId: string): void;
  /** Everything of a client, or of a person, or of a person at a client; how many grants. */
  revokeGrants(of: GrantsOf): number;
  /** The newest grant of that person, client, purpose and kind of login. */
  grantOf(of: Omit<Consent, 'grantId'>): string | undefined;
  consent(grantId: string): Consent | undefined;
  remember(consent: Consent): void;
  sweep(): void;
  close(): void;
}

export interface GrantsOf {
  readonly clientId?: string;
  readonly accountId?: string;
  /** Those of people of this tenant alone; then what rests on no grant stays. */
  readonly tenant?: string;
}

export interface StoreOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** A token ends here and now. @param expiresAt seconds */
  readonly onRevoked: (tokenId: string, expiresAt: number) => void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entry (
    model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, uid TEXT, client_id TEXT,
    grant_id TEXT, expires_at INTEGER, written_at INTEGER NOT NULL,
    PRIMARY KEY (model, id)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entry_uid ON entry (uid) WHERE uid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS entry_grant ON entry (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS entry_end ON entry (expires_at);
  CREATE TABLE IF NOT EXISTS issued (
    token_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, grant_id TEXT, parent_id TEXT,
    expires_at INTEGER NOT NULL, payload TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS issued_grant ON issued (grant_id);
  CREATE INDEX IF NOT EXISTS issued_parent ON issued (parent_id);
  CREATE TABLE IF NOT EXISTS revoked (
    token_id TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS consent (
    grant_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, client_id TEXT NOT NULL,
    purpose TEXT NOT NULL, acr TEXT NOT NULL, given_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS consent_of ON consent (account_id, client_id, purpose, acr, given_at);
`;

/** JSON Web Tokens: the library keeps none of them, so `issued` does. */
const TOKENS = new Set(['AccessToken', 'ClientCredentials']);

/**
 * The authorization server's memory: `issuer.db`, readable by its owner alone, bounded, and swept of
 * what has ended. What a token stands for is in the token; here stands what can be taken back.
 */
export function openIssuerStore({ dataDir, clock, onRevoked }: StoreOptions): IssuerStore {
  const path = dataDir === ':memory:' ? dataDir : join(dataDir, 'issuer.db');
  const db = openDatabase(path, 'FULL');
  db.exec(SCHEMA);
  const now = (): number => Math.floor(clock.now() / 1000);
  const entries = entryRows(db, now);
  const tokens = tokenRows(db, onRevoked);
  for (const { tokenId, expiresAt } of tokens.revoked(now())) onRevoked(tokenId, expiresAt);
  return {
    ...entries,
    tokens,
    ...consents(db, now),
    find: (model, id) => (TOKENS.has(model) ? tokens.find(model, id) : entries.find(model, id)),
    destroy(model, id) {
      if (TOKENS.has(model)) inTransaction(db, () => tokens.revoke(id));
      else entries.destroy(model, id);
    },
    destroyOfGrant(model, grantId) {
      if (TOKENS.has(model)) inTransaction(db, () => tokens.revokeOfGrant(grantId));
      else entries.destroyOfGrant(model, grantId);
    },
    revokeToken: (tokenId) => inTransaction(db, () => tokens.revoke(tokenId)),
    revokeGrants: (of) => inTransaction(db, () => revokeGrants(db, tokens, of)),
    sweep: () => inTransaction(db, () => sweep(db, now())),
    close: () => db.close(),
  };
}

function revokeGrants(
  db: DatabaseSync,
  tokens: TokenRows,
  { clientId, accountId, tenant }: GrantsOf,
): number {
  const rows = prepared(
    db,
    `SELECT grant_id FROM consent
       WHERE (?1 IS NULL OR client_id = ?1) AND (?2 IS NULL OR account_id = ?2)
         AND (?3 IS NULL OR substr(account_id, 1, length(?3)) = ?3)`,
  ).all(
    clientId ?? null,
    accountId ?? null,
    tenant === undefined ? null : accountIdOf({ tenant, subject: '' }),
  );
  for (const { grant_id } of rows) {
    const grantId = String(grant_id);
    tokens.revokeOfGrant(grantId);
    prepared(db, `DELETE FROM entry WHERE grant_id = ?`).run(grantId);
    prepared(db, `DELETE FROM entry WHERE model = 'Grant' AND id = ?`).run(grantId);
    prepared(db, 'DELETE FROM consent WHERE grant_id = ?').run(grantId);
  }
  // An agent's own tokens, and those it got by an exchange, rest on no grant of its own.
  const whole = accountId === undefined && tenant === undefined;
  if (clientId !== undefined && whole) tokens.revokeOfClient(clientId);
  return rows.length;
}

function consents(
  db: DatabaseSync,
  now: () => number,
): Pick<IssuerStore, 'grantOf' | 'consent' | 'remember'> {
  return {
    grantOf({ accountId, clientId, purpose, acr }) {
      const sql = `SELECT grant_id FROM consent
        WHERE account_id = ? AND client_id = ? AND purpose = ? AND acr = ?
          AND grant_id IN (SELECT id FROM entry WHERE model = 'Grant')
        ORDER BY given_at DESC LIMIT 1`;
      const row = prepared(db, sql).get(accountId, clientId, purpose, acr);
      return row === undefined ? undefined : String(row.grant_id);
    },
    consent(grantId) {
      const row = prepared(db, 'SELECT * FROM consent WHERE grant_id = ?').get(grantId);
      if (row === undefined) return undefined;
      return {
        grantId,
        accountId: String(row.account_id),
        clientId: String(row.client_id),
        purpose: String(row.purpose),
        acr: String(row.acr),
      };
    },
    remember({ grantId, accountId, clientId, purpose, acr }) {
      const values = [grantId, accountId, clientId, purpose, acr, now()] as const;
      prepared(db, 'INSERT OR REPLACE INTO consent VALUES (?, ?, ?, ?, ?, ?)').run(...values);
    },
  };
}

/** A clock that runs a little behind must still find a token revoked. */
const SLACK_SECONDS = 60;
const CLIENT_UNUSED_SECONDS = 90 * 24 * 3_600;

function sweep(db: DatabaseSync, now: number): void {
  const ended = now - SLACK_SECONDS;
  prepared(db, 'DELETE FROM entry WHERE expires_at <= ?').run(ended);
  prepared(db, 'DELETE FROM issued WHERE expires_at <= ?').run(ended);
  prepared(db, 'DELETE FROM revoked WHERE expires_at <= ?').run(ended);
  prepared(
    db,
    `DELETE FROM consent WHERE grant_id NOT IN (SELECT id FROM entry WHERE model = 'Grant')`,
  ).run();
  prepared(
    db,
    `DELETE FROM entry WHERE model = 'Client' AND written_at <= ?
       AND id NOT IN (SELECT client_id FROM consent)`,
  ).run(now - CLIENT_UNUSED_SECONDS);
}
