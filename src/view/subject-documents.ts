import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Variant } from '../contract/documents.ts';
import { prepared } from '../kernel/statements.ts';
import type { ProjectedDocument } from '../twin/projection.ts';
import { type Projector, stampOf } from './projector.ts';
import type { Version } from './versions.ts';

/** A document as it is to be stored. */
export interface Dated {
  readonly document: ProjectedDocument;
  /** When its newest record was accepted. */
  readonly recorded: string;
}

/** What differs after documents were stored: as they were, and as they are. */
export interface Replaced {
  readonly before: readonly Version[];
  readonly after: readonly Version[];
}

interface Held {
  readonly version: Version;
  /** Of all that it says, in short. */
  readonly said: string;
}

/** The stored documents of one subject. */
export class StoredDocuments {
  readonly #subject: string;
  #held: ReadonlyMap<string, Held>;

  constructor(db: DatabaseSync, subject: string) {
    this.#subject = subject;
    const rows = prepared(db, 'SELECT * FROM documents WHERE subject = ?').all(subject);
    this.#held = new Map(
      rows.map((row) => {
        const { uri, variant, section, etag, digest } = row as unknown as Version;
        const text = [row.title, row.recorded, row.data, row.notices].map(String);
        const version = { uri, variant, section, etag, digest };
        return [keyOf(variant, uri), { version, said: saidIn(text) }];
      }),
    );
  }

  /** Most changes touch one document of many: those that say what they said stay as they are. */
  replace(db: DatabaseSync, projector: Projector, documents: readonly Dated[]): Replaced {
    const put = prepared(
      db,
      `INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET subject = excluded.subject, section = excluded.section,
        etag = excluded.etag, digest = excluded.digest, title = excluded.title,
        recorded = excluded.recorded, data = excluded.data, notices = excluded.notices`,
    );
    const gone = new Map(this.#held);
    const held = new Map<string, Held>();
    const before: Version[] = [];
    const after: Version[] = [];
    for (const { document, recorded } of documents) {
      const { uri, variant, section, title } = document;
      const key = keyOf(variant, uri);
      const old = gone.get(key);
      gone.delete(key);
      const [data, notices] = [JSON.stringify(document.data), JSON.stringify(document.notices)];
      const said = saidIn([title, recorded, data, notices]);
      if (old?.said === said) {
        held.set(key, old);
        continue;
      }
      const { etag, digest } = stampOf(projector, uri, variant, document);
      put.run(uri, variant, this.#subject, section, etag, digest, title, recorded, data, notices);
      const version = { uri, variant, section: section as Version['section'], etag, digest };
      held.set(key, { version, said });
      after.push(version);
      if (old !== undefined) before.push(old.version);
    }
    const drop = prepared(db, 'DELETE FROM documents WHERE uri = ? AND variant = ?');
    for (const { version } of gone.values()) {
      drop.run(version.uri, version.variant);
      before.push(version);
    }
    this.#held = held;
    return { before, after };
  }
}

function keyOf(variant: Variant, uri: string): string {
  return `${variant} ${uri}`;
}

function saidIn(texts: readonly string[]): string {
  return hash('sha256', JSON.stringify(texts), 'base64url');
}
