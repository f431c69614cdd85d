import { readFileSync } from 'node:fs';

/** The one schema, beside `src` in a checkout and beside `dist` in the package. */
export const SCHEMA_TEXT = readFileSync(
  new URL('../../../schemas/twin.zed', import.meta.url),
  'utf8',
);

export interface SubjectRule {
  readonly type: string;
  readonly expiration: 'never' | 'allowed' | 'required';
}

export interface TypeWords {
  readonly relations: ReadonlyMap<string, readonly SubjectRule[]>;
  readonly permissions: ReadonlySet<string>;
}

export type SchemaWords = ReadonlyMap<string, TypeWords>;

/** The types that are the relations writer's own bookkeeping: nobody writes or lists them. */
export const INTERNAL_TYPES: ReadonlySet<string> = new Set(['system', 'beat']);

/** The words of a schema as ours is written: one definition, relation or permission a line. */
export function schemaWords(text: string = SCHEMA_TEXT): SchemaWords {
  const types = new Map<string, TypeWords>();
  for (const [, type = '', body = ''] of text.matchAll(/^definition (\w+) \{([^}]*)\}/gm)) {
    const relations = new Map<string, SubjectRule[]>();
    for (const [, name = '', subjects = ''] of body.matchAll(/^ {2}relation (\w+): (.+)$/gm)) {
      relations.set(name, subjectRules(subjects));
    }
    const permissions = new Set<string>();
    for (const [, name = ''] of body.matchAll(/^ {2}permission (\w+) =/gm)) permissions.add(name);
    types.set(type, { relations, permissions });
  }
  return types;
}

function subjectRules(text: string): SubjectRule[] {
  const seen = new Map<string, { plain: boolean; expiring: boolean }>();
  for (const part of text.split('|').map((word) => word.trim())) {
    const [type = '', ...rest] = part.split(' ');
    const found = seen.get(type) ?? { plain: false, expiring: false };
    if (rest.length === 0) found.plain = true;
    else found.expiring = true;
    seen.set(type, found);
  }
  return [...seen].map(([type, { plain, expiring }]) => ({
    type,
    expiration: !expiring ? 'never' : plain ? 'allowed' : 'required',
  }));
}
