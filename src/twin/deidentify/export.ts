import { createHmac, randomBytes } from 'node:crypto';
import { Fault } from '../../kernel/errors.ts';
import type { Subject, View } from '../ports.ts';
import { deidentify } from './resource.ts';

export interface ExportOptions {
  readonly view: Pick<View, 'shards'>;
  readonly tenant: string;
  /** All of the tenant where none is named. */
  readonly members: readonly string[] | undefined;
  /** The present year. */
  readonly year: number;
}

/**
 * The de-identified records of a tenant's members, a JSON text each. Ids are pseudonyms by a key of
 * this export alone, which nobody keeps: records of one person belong together within it, and to
 * nothing outside (45 CFR 164.514(c)). Specially protected records are left out. The members come in
 * the order of their pseudonyms, so that no place tells who it is.
 * @throws Fault NOT_FOUND for a member that is not of the tenant, before the first line
 */
export function deidentified(options: ExportOptions): Iterable<string> {
  const { view, tenant, year } = options;
  const key = randomBytes(32);
  const pseudonym = (reference: string): string => {
    const [type = ''] = reference.split('/');
    return `${type}/${createHmac('sha256', key).update(reference).digest('base64url').slice(0, 22)}`;
  };
  const known = view.shards().flatMap((shard) => shard.members(tenant));
  const wanted = options.members ?? known;
  const all = new Set(known);
  if (wanted.some((member) => !all.has(member))) throw new Fault('NOT_FOUND');
  const place = (member: string): string => pseudonym(`Patient/${member}`);
  const ordered = wanted.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
  return lines(view, ordered, { year, pseudonym });
}

function* lines(
  view: Pick<View, 'shards'>,
  members: readonly string[],
  options: Parameters<typeof deidentify>[1],
): Iterable<string> {
  for (const id of members) {
    const subject: Subject = { kind: 'member', id };
    const found = view.shards().flatMap((shard) => shard.sources(subject));
    for (const { resource, sensitive } of found) {
      const told = sensitive || resource === null ? undefined : deidentify(resource, options);
      if (told !== undefined) yield JSON.stringify(told);
    }
  }
}
