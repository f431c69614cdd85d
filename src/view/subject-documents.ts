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
  /** Of data and notices, in short. */
  readonly said: string;
  /** What that was made of, where it was not read from the file. */
  readonly from?: Pick<ProjectedDocument, 'data' | 'notices'>;
  /** Title and date. */
  readonly about: string;
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
        const version = { uri, variant, section, etag, digest };
        const said = saidIn(String(row.data), String(row.notices));
        const about = aboutIn(String(row.title), String(row.recorded));
        return [keyOf(variant, uri), { version, said, about }];
      }),
    );
  }

  /** Most changes touch one document of many: those that say what they said stay as they are. */
  replace(db: DatabaseSync, projector: Projector, documents: readonly Dated[]): Replaced {
    const gone = new Map(this.#held);
    const held = new Map<string, Held>();
    const before: Version[] = [];
    const after: Version[] = [];
    for (const dated of documents) {
      const { uri, variant } = dated.document;
      const key = keyOf(variant, uri);
      const old = gone.get(key);
      gone.delete(key);
      const now = this.#put(db, projector, dated, old);
      held.set(key, now);
      if (now.version === old?.version) continue;
      after.push(now.version);
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

  #put(
    db: DatabaseSync,
    projector: Projector,
    { document, recorded }: Dated,
    old: Held | undefined,
  ): Held {
    const { uri, variant, title } = document;
    const section = document.section as Version['section'];
    const about = aboutIn(title, recorded);
    const same = (of: Held): Held => {
      if (of.about === about) return of;
      const sql = 'UPDATE documents SET title = ?, recorded = ? WHERE uri = ? AND variant = ?';
      prepared(db, sql).run(title, recorded, uri, variant);
      return { ...of, about };
    };
    if (old?.from !== undefined && isSame(old.from, document)) return same(old);
    const from = { data: document.data, notices: document.notices };
    const [data, notices] = [JSON.stringify(from.data), JSON.stringify(from.notices)];
    const said = saidIn(data, notices);
    if (old?.said === said) return same({ ...old, from });
    const { etag, digest } = stampOf(projector, uri, variant, document);
    prepared(
      db,
      `INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET subject = excluded.subject, section = excluded.section,
        etag = excluded.etag, digest = excluded.digest, title = excluded.title,
        recorded = excluded.recorded, data = excluded.data, notices = excluded.notices`,
    ).run(uri, variant, this.#subject, section, etag, digest, title, recorded, data, notices);
    return { version: { uri, variant, section, etag, digest }, said, about, from };
  }
}

function keyOf(variant: Variant, uri: string): string {
  return `${variant} ${uri}`;
}

/** Data that the projection remembers are the same object: they need not be written out again. */
function isSame(one: NonNullable<Held['from']>, other: NonNullable<Held['from']>): boolean {
  const { data, notices } = other;
  if (one.data !== data || one.notices.length !== notices.length) return false;
  return one.notices.every((notice, index) => notice === notices[index]);
}

function saidIn(data: string, notices: string): string {
  return hash('sha256', `${notices}\n${data}`, 'base64url');
}

function aboutIn(title: string, recorded: string): string {
  return `${recorded} ${title}`;
}
