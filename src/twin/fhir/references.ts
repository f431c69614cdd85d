import { TYPE_PATTERN } from '../../contract/uris.ts';
import { isObject, type Json, type JsonObject } from '../../kernel/json.ts';
import type { ResourceJson } from '../ports.ts';
import type { BundleEntry, KnownRecords } from './records.ts';
import { type Refusal, refused } from './refusal.ts';
import { ourId, type Target, type Targets } from './targets.ts';

/** `Type/id`, alone or at the end of a URL, with or without a version. */
const LITERAL = /(?:^|\/)([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/;
const CONDITIONAL = /^([A-Z][A-Za-z]{1,63})\?(.*)$/;

/** The resource with every reference replaced by what `as` makes of it and its element path. */
export function withReferences<R extends JsonObject>(
  resource: R,
  as: (reference: string, path: string) => string,
): R {
  const rewrite = (value: Json, path: string): Json => {
    if (Array.isArray(value)) return value.map((one, index) => rewrite(one, `${path}[${index}]`));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => {
        const at = `${path}.${key}`;
        return key === 'reference' && typeof member === 'string'
          ? [key, as(member, at)]
          : [key, rewrite(member as Json, at)];
      }),
    );
  };
  return rewrite(resource, 'resource') as R;
}

/**
 * The resource with every reference as `Type/id` in our ids (FHIR R4 §2.36.4, §3.1.0.11.2).
 * @throws Refusal that names what it needs, where the reference leads to nothing that is known.
 */
export function withOurReferences(
  resource: ResourceJson,
  entry: BundleEntry,
  targets: Targets,
  known: KnownRecords,
): ResourceJson {
  return withReferences(resource, (text, path) =>
    ourReference(text, { entry, path }, targets, known),
  );
}

/** The entry as it can stand without its bundle: what it refers to inside is named by `Type/id`. */
export function standingAlone(entry: BundleEntry, targets: Targets): BundleEntry {
  if (entry.resource === undefined) return entry;
  const resource = withReferences(entry.resource, (text) => {
    const inside = targets.byUrl.get(text) ?? insideByIdentifier(text, targets);
    return inside === undefined ? text : asItsSourceWrites(inside);
  });
  return { ...entry, resource };
}

function asItsSourceWrites({ type, entry, exists }: Target): string {
  const { id, ifNoneExist } = entry;
  if (!exists || ifNoneExist === undefined) return `${type}/${id}`;
  const { system, value } = ifNoneExist;
  return `${type}?identifier=${encodeURIComponent(system)}|${encodeURIComponent(value)}`;
}

function insideByIdentifier(text: string, { byIdentifier }: Targets): Target | undefined {
  const [, type, query] = CONDITIONAL.exec(text) ?? [];
  if (type === undefined || query === undefined) return undefined;
  const [system, value] = identifierOf(query);
  return byIdentifier.get(`${type}|${system}|${value}`) ?? undefined;
}

interface At {
  readonly entry: BundleEntry;
  readonly path: string;
}

function ourReference(text: string, at: At, targets: Targets, known: KnownRecords): string {
  if (text.startsWith('#')) return text;
  const inside = targets.byUrl.get(text);
  if (inside !== undefined) return `${inside.type}/${inside.id}`;
  if (text.startsWith('urn:')) {
    const elsewhere = known.byUrl(text);
    if (elsewhere !== undefined) return elsewhere;
    throw unresolved(at, 'The reference leads to no known record;', [text]);
  }
  const [, conditionalType, query] = CONDITIONAL.exec(text) ?? [];
  if (conditionalType !== undefined && query !== undefined) {
    return conditional(conditionalType, query, at, targets, known);
  }
  const [, type, id] = LITERAL.exec(text) ?? [];
  if (type === undefined || id === undefined || !TYPE_PATTERN.test(type)) return text;
  const target = targets.bySource.get(`${type}/${id}`);
  return `${type}/${target?.id ?? ourId(type, id, known, at.entry)}`;
}

function conditional(
  type: string,
  query: string,
  at: At,
  targets: Targets,
  known: KnownRecords,
): string {
  const [system, value] = identifierOf(query);
  if (value === '') throw unresolved(at, 'Only ?identifier=system|value is resolved;', []);
  const inside = targets.byIdentifier.get(`${type}|${system}|${value}`);
  if (inside === null) throw unresolved(at, 'Several entries carry the identifier;', []);
  if (inside !== undefined) return `${type}/${inside.id}`;
  const [id, ...others] = known.byIdentifier(type, system, value);
  if (others.length > 0) throw unresolved(at, 'Several known records carry the identifier;', []);
  if (id !== undefined) return `${type}/${id}`;
  const need = needOfIdentifier(type, system, value);
  throw unresolved(at, 'No known record carries the identifier;', [need]);
}

export function needOfIdentifier(type: string, system: string, value: string): string {
  return `${type}?identifier=${system}|${value}`;
}

/** System and value of `identifier=system|value`, and nothing else in the query. */
export function identifierOf(query: string): [string, string] {
  const [, token] = /^identifier=([^&]+)$/.exec(query) ?? [];
  if (token === undefined) return ['', ''];
  const plain = decoded(token);
  const bar = plain.indexOf('|');
  return [plain.slice(0, Math.max(bar, 0)), plain.slice(bar + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unresolved({ entry, path }: At, says: string, needs: readonly string[]): Refusal {
  return refused({
    at: entry,
    type: entry.type,
    path,
    reason: 'reference',
    says: `${says} import the file that holds it first.`,
    needs,
  });
}
