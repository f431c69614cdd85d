/** A small domain for the tests of this room: records, a projection of them, and a log. */

import { createHmac } from 'node:crypto';
import { canonicalJson } from '../../kernel/json.ts';
import type { LogRecord, Subject } from '../../twin/ports.ts';
import type { Project, ProjectedDocument } from '../../twin/projection.ts';
import type { Projector } from '../projector.ts';

export const PARTITION = 3;

export interface Fact {
  readonly member: string;
  readonly id: string;
  /** `null` deletes. */
  readonly text: string | null;
  readonly secret?: boolean;
  readonly date?: string;
}

/** The records of one partition, at offsets from 0. */
export function recordsOf(facts: readonly Fact[]): LogRecord[] {
  return facts.map(({ member, id, text, secret, date }, offset) => ({
    tenant: 'demo',
    subject: { kind: 'member', id: member },
    type: 'Condition',
    id,
    resource:
      text === null
        ? null
        : { resourceType: 'Condition', id, text, secret: secret === true, date: date ?? '' },
    names: {},
    provenance: {
      source: 'ehr',
      actor: 'user:operator',
      recorded: new Date(offset * 1_000).toISOString(),
    },
    eventId: `event-${offset}`,
    partition: PARTITION,
    offset,
  }));
}

/**
 * Lists the texts; a secret one is in the full variant only, and a text "like:ID" is secret when
 * the record it names is. `bold` stands for a later version of the projection.
 */
export function projectWith(bold: boolean): Project {
  return (subject, records) => {
    const textOf = ({ resource }: (typeof records)[number]) => String(resource?.text);
    if (records.some((record) => textOf(record) === 'poison')) throw new Error('poisoned');
    const secret = new Set(records.filter((one) => one.resource?.secret === true).map(keyOf));
    for (const record of records) {
      const [, like] = /^like:(.*)$/.exec(textOf(record)) ?? [];
      if (secret.has(`Condition/${like}`)) secret.add(keyOf(record));
    }
    const uri = `mcp://twins/member/${subject.id}/clinical`;
    const document = (variant: 'general' | 'full'): ProjectedDocument => ({
      uri,
      section: 'clinical',
      variant,
      title: 'Clinical',
      data: {
        texts: records
          .filter((record) => variant === 'full' || !secret.has(keyOf(record)))
          .map((record) => (bold ? textOf(record).replace(/^strong/, 'STRONG') : textOf(record))),
      },
      notices: [],
    });
    return {
      documents: [document('general'), document('full')],
      index: records.map((record) => ({
        uri: `${uri}/Condition/${record.id}`,
        subject,
        section: 'clinical',
        type: 'Condition',
        sensitive: secret.has(keyOf(record)),
        kind: 'fact',
        title: textOf(record),
        text: textOf(record),
        codes: '4548-4',
        date: String(record.resource?.date),
        data: {},
      })),
      sensitive: secret,
      sections: new Map(records.map((record) => [keyOf(record), 'clinical'])),
      person: personOf(subject),
    };
  };
}

export function projectorOf(version = 1, bold = false): Projector {
  return {
    version,
    etagKey: new Uint8Array(32),
    project: projectWith(bold),
    etagOf: (key, parts) =>
      `"${createHmac('sha256', key).update(canonicalJson(parts)).digest('base64url').slice(0, 22)}"`,
    sourceDocument: ({ resource }) => ({
      title: 'Condition',
      data: { resource: resource ?? {} },
      notices: [],
    }),
  };
}

function keyOf({ type, id }: { readonly type: string; readonly id: string }): string {
  return `${type}/${id}`;
}

function personOf({ id }: Subject) {
  const name = id === 'ben' ? "Benito O'Connor" : 'Ana María Rivera-López';
  return { patient: `p-${id}`, name, birthDate: '1970-05-01', numbers: [`H12 ${id}`] };
}
