import type { DatabaseSync } from 'node:sqlite';
import type { Section } from '../contract/uris.ts';
import { prepared } from '../kernel/statements.ts';
import type { LogRecord, SourceRecord } from '../twin/ports.ts';
import type { Version } from './versions.ts';

/** A stored source, with its versions as of the last projection. */
export interface Row {
  /** `Type/id`. */
  readonly key: string;
  readonly record: SourceRecord;
  readonly uri: string | null;
  readonly section: Section | 'session' | null;
  readonly sensitive: boolean;
  readonly general: Stamped | null;
  readonly full: Stamped | null;
}

export interface Stamped {
  readonly etag: string;
  readonly digest: string;
}

/** The stored sources of one subject: read once, and from then on kept beside what is written. */
export class SubjectRows {
  readonly #subject: string;
  readonly #rows = new Map<string, Row>();
  #keys: readonly string[] | undefined;
  #chars = 0;

  constructor(db: DatabaseSync, subject: string) {
    this.#subject = subject;
    const rows = prepared(db, 'SELECT * FROM sources WHERE subject = ?').all(subject);
    for (const row of rows) {
      const body = String(row.body);
      this.#chars += body.length;
      const record = JSON.parse(body) as SourceRecord;
      const key = `${record.type}/${record.id}`;
      this.#rows.set(key, {
        ...{ key, record, uri: row.uri as Row['uri'], section: row.section as Row['section'] },
        sensitive: row.sensitive === 1,
        general: stamped(row.general_etag, row.general_digest),
        full: stamped(row.full_etag, row.full_digest),
      });
    }
  }

  /** Of what is held, and of what it has held: a subject that changes much is read anew in time. */
  get chars(): number {
    return this.#chars;
  }

  /** In the order of their keys, so that the order of arrival never shows in a document. */
  get sorted(): readonly Row[] {
    this.#keys ??= [...this.#rows.values()].sort(byTypeAndId).map(({ key }) => key);
    return this.#keys.flatMap((key) => this.#rows.get(key) ?? []);
  }

  /** Takes the latest record of each key; answers the versions of those that were deleted. */
  take(db: DatabaseSync, records: readonly LogRecord[]): Version[] {
    const forget = prepared(db, 'DELETE FROM sources WHERE subject = ? AND type = ? AND id = ?');
    const gone: Version[] = [];
    for (const { partition: _, offset: __, ...record } of records) {
      const { type, id, resource } = record satisfies SourceRecord;
      const key = `${type}/${id}`;
      const before = this.#rows.get(key);
      if (resource === null) {
        forget.run(this.#subject, type, id);
        this.#rows.delete(key);
        this.#keys = undefined;
        if (before !== undefined) gone.push(...versionsOfRow(before));
      } else {
        if (before === undefined) this.#keys = undefined;
        this.#rows.set(key, { ...(before ?? UNSTAMPED), key, record });
      }
    }
    return gone;
  }

  /** Writes a row as it is now. */
  write(db: DatabaseSync, row: Row): void {
    const { record, section, sensitive, uri, general, full } = row;
    const { type, id, provenance } = record;
    const body = JSON.stringify(record);
    this.#rows.set(row.key, row);
    this.#chars += body.length;
    prepared(
      db,
      `INSERT INTO sources (subject, type, id, body, recorded, section, sensitive, uri,
        general_digest, general_etag, full_digest, full_etag)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET body = excluded.body, recorded = excluded.recorded,
        section = excluded.section, sensitive = excluded.sensitive, uri = excluded.uri,
        general_digest = excluded.general_digest, general_etag = excluded.general_etag,
        full_digest = excluded.full_digest, full_etag = excluded.full_etag`,
    ).run(
      ...[this.#subject, type, id, body, provenance.recorded],
      ...[section, sensitive ? 1 : 0, uri],
      ...[general, full].flatMap((one) => [one?.digest ?? null, one?.etag ?? null]),
    );
  }

  /** Whether these are protected is not known: they are kept, and nobody can read them. */
  hide(db: DatabaseSync, keys: ReadonlySet<string>): void {
    for (const key of keys) {
      const row = this.#rows.get(key);
      if (row !== undefined) this.write(db, { ...row, ...UNSTAMPED });
    }
  }
}

/** Deny when unsure. */
const UNSTAMPED = { uri: null, section: null, sensitive: true, general: null, full: null } as const;

function stamped(etag: unknown, digest: unknown): Stamped | null {
  return typeof etag === 'string' ? { etag, digest: String(digest) } : null;
}

function byTypeAndId({ record: a }: Row, { record: b }: Row): number {
  if (a.type !== b.type) return a.type < b.type ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

/** What a reader finds at the source's URI. */
export function versionsOfRow({ key, uri, section, general, full }: Row): Version[] {
  if (uri === null || section === null) return [];
  const of = { uri, section, record: key };
  return [
    ...(general === null ? [] : [{ ...of, variant: 'general' as const, ...general }]),
    ...(full === null ? [] : [{ ...of, variant: 'full' as const, ...full }]),
  ];
}
